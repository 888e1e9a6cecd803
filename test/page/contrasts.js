/**
 * Run in a page: how bright its ground is, and texts whose contrast is below 4.5 (WCAG 2.2, 1.4.3 AA).
 * @returns {[number, string[]]}
 */
;(() => {
  const parse = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number)
  const groundOf = (element) => {
    for (let each = element; each !== null; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor)
      if (colour.length === 3 || colour[3] === 1) return colour
    }
    return [255, 255, 255]
  }
  const brightness = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const weak = []
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].find((node) => node.nodeType === 3 && node.nodeValue.trim() !== '')
    if (text === undefined || element.closest('svg, noscript, script') !== null) continue
    const [a, b] = [parse(getComputedStyle(element).color), groundOf(element)].map(brightness).sort((x, y) => y - x)
    if ((a + 0.05) / (b + 0.05) < 4.5) weak.push(text.nodeValue.trim())
  }
  return [groundOf(document.body)[0], weak]
})()
