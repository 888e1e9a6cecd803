/** Makes one part of a page equal to another, and leaves alone what is equal: focus, selection and scrolling stay. */

/**
 * What a person does to a page is theirs: what is typed, chosen or unfolded stays.
 * @param {Element} from in the page
 * @param {Element} to as the server has it now
 */
export function morph(from, to) {
  if (from.isEqualNode(to) || from.hasAttribute('data-keep')) return
  if (from.nodeName !== to.nodeName) return void from.replaceWith(document.importNode(to, true))
  morphAttributes(from, to)
  if (isField(from)) return
  const wanted = [...to.childNodes]
  for (const [i, child] of wanted.entries()) {
    const there = childFor(from, child, i)
    if (there === undefined) from.append(document.importNode(child, true))
    else if (there.nodeType === Node.ELEMENT_NODE && child.nodeType === Node.ELEMENT_NODE) morph(there, child)
    else if (there.nodeType !== child.nodeType) there.replaceWith(document.importNode(child, true))
    else if (there.nodeValue !== child.nodeValue) there.nodeValue = child.nodeValue
  }
  while (from.childNodes.length > wanted.length) from.lastChild.remove()
}

/** What has the same id is the same, wherever it was; else what stands at the same place. */
function childFor(parent, child, i) {
  const atPlace = parent.childNodes[i]
  if (!child.id || atPlace?.id === child.id) return atPlace
  const same = [...parent.children].find(({ id }) => id === child.id)
  const found = same ?? document.importNode(child, true)
  parent.insertBefore(found, atPlace ?? null)
  return found
}

function morphAttributes(from, to) {
  for (const { name } of [...from.attributes])
    if (!to.hasAttribute(name) && !(name === 'open' && from.nodeName === 'DETAILS')) from.removeAttribute(name)
  for (const { name, value } of to.attributes)
    if (from.getAttribute(name) !== value && !(name === 'value' && isField(from))) from.setAttribute(name, value)
}

function isField({ nodeName }) {
  return nodeName === 'INPUT' || nodeName === 'SELECT' || nodeName === 'TEXTAREA'
}
