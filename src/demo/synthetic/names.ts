/** Names of people, streets and towns: human, and visibly of nobody. */

export const GIVEN_NAMES: Readonly<Record<'female' | 'male', readonly string[]>> = {
  female: words(
    'Ada Amara Beatriz Chloé Daria Eleni Farah Greta Hanh Imani Joanna Keiko Leila Lucía',
    'Mairead Nadia Odile Petra Rosa Saoirse Tamsin Uma Vera Wanda Ximena Yara Zoë',
  ),
  male: words(
    'Abel Anselm Basil Cyrus Dmitri Emeka Felix Gareth Hiro Ibrahim Jonas José Kwame',
    'Lars Mateo Nikhil Omar Paolo Quentin Rafael Søren Tomás Ulrich Viktor Wendell Yusuf',
  ),
}

const FAMILY_STARTS = words(
  'Amber Birch Copper Dove Ember Fern Glen Hazel Iron Juniper Kestrel Lark Marsh',
  'Nettle Oaken Penny Quill Reed Silver Thistle Umber Vale Willow Yarrow',
)
const FAMILY_ENDS = words('brook field ford gate grove hollow ley mere moor stone wick worth')

export const FAMILY_NAMES: readonly string[] = FAMILY_STARTS.flatMap((start) => FAMILY_ENDS.map((end) => start + end))

export const STREETS: readonly string[] = [
  'Clockmaker Lane',
  'Foundry Street',
  'Kiln Road',
  'Lantern Way',
  'Millrace Court',
  'Orchard Row',
  'Paper Mill Road',
  'Quarry Street',
  'Saddler Avenue',
  'Tannery Close',
  'Weaver Street',
  'Windmill Hill',
]

export interface Town {
  readonly city: string
  readonly district: string
  readonly state: string
  readonly postalCode: string
}

export const TOWNS: readonly Town[] = [
  { city: 'Harrow Falls', district: 'Alder County', state: 'MA', postalCode: '01999' },
  { city: 'Port Tansy', district: 'Alder County', state: 'MA', postalCode: '02999' },
  { city: 'Bellwether', district: 'Tinder County', state: 'VT', postalCode: '05999' },
  { city: 'Cinder Creek', district: 'Tinder County', state: 'VT', postalCode: '05998' },
  { city: 'New Marigold', district: 'Hearth County', state: 'NH', postalCode: '03999' },
  { city: 'Stonewick', district: 'Hearth County', state: 'NH', postalCode: '03998' },
]

function words(...lines: string[]): string[] {
  return lines.flatMap((line) => line.split(' '))
}
