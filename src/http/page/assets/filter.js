/** Finds rows of a table while somebody types; without it the same field asks the server. */

for (const field of document.querySelectorAll('input[data-filters]')) {
  const list = document.getElementById(field.dataset.filters)
  const told = document.querySelector(`[data-filtered="${field.dataset.filters}"]`)
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/)
    const rows = [...list.querySelectorAll('tbody tr:not(.below)')]
    for (const row of rows) {
      const below = row.nextElementSibling?.matches('.below') ? row.nextElementSibling : undefined
      const text = textOf(row) + (below === undefined ? '' : textOf(below))
      const isFound = words.every((word) => text.includes(word))
      row.hidden = !isFound
      if (below !== undefined) below.hidden = !isFound
    }
    const shown = rows.filter(({ hidden }) => !hidden).length
    told.textContent = field.value.trim() === '' ? '' : `${shown} of ${rows.length}`
  }
  field.addEventListener('input', filter)
  document.addEventListener('fresh', filter)
}

function textOf(row) {
  const words = [...row.querySelectorAll('[data-words]')].map((each) => each.dataset.words)
  return [row.textContent, ...words].join(' ').toLowerCase()
}
