/** getResourceKey() and getReferenceKey(): the specification's additions to FHIRPath, for joins. */
import { call, text } from '../plan/expr.ts'
import { ViewError } from '../view-error.ts'
import { typeArgument, wrongInput, type PathFunction } from './function.ts'
import { unknownType } from './navigate.ts'
import { each, NOTHING, valueOf } from './typed.ts'

export const KEYS: Readonly<Record<string, PathFunction>> = {
  getResourceKey: {
    args: [0, 0],
    apply(given) {
      const { type, expr } = given.input
      if (type.kind === 'nothing') return NOTHING
      const { types } = given.scope.view
      if (type.kind !== 'object' || !types.isResource(type.name) || given.input.isMany)
        throw wrongInput(given, 'a resource')
      const id = type.shape.field('id', 'text', false)
      return valueOf('string', call('resourceKey', text(type.name), { op: 'read', of: expr, field: id, as: 'value' }))
    },
  },
  getReferenceKey: {
    args: [0, 1],
    apply(given) {
      const { input, scope, at } = given
      const wanted = typeArgument(given, 0)
      if (wanted !== undefined && !scope.view.types.isResource(wanted)) {
        if (!scope.view.types.isComplex(wanted)) throw unknownType(wanted, scope.view.types, at)
        throw new ViewError('VIEW_TYPE', `${wanted} is no resource`, { position: at })
      }
      if (input.type.kind === 'nothing') return input
      if (input.type.kind !== 'object' || input.type.name !== 'Reference') throw wrongInput(given, 'a Reference')
      const { targets = [] } = input.type
      if (wanted !== undefined && targets.length > 0 && !targets.includes(wanted) && !scope.view.allowsUnknown) {
        const problem = `this reference never leads to a ${wanted}`
        throw new ViewError('VIEW_TYPE', problem, { position: at }, `it may lead to ${targets.join(', ')}`)
      }
      const field = input.type.shape.field('reference', 'text', false)
      const keys = each(input, scope.view, (item) => {
        const reference = { op: 'read', of: item.expr, field, as: 'value' } as const
        return valueOf(
          'string',
          wanted === undefined ? call('referenceKey', reference) : call('referenceKeyOf', reference, text(wanted)),
        )
      })
      return { ...keys, isFiltered: wanted !== undefined || input.isFiltered }
    },
  },
}
