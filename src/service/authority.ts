import { HodeiError } from '../domain/errors.ts';
import type { Caller, Operation } from './operation.ts';

/** Of who has the database file in their hands: no rule of hodei keeps them from anything. */
export const fullAuthority = { role: 'admin', boundTo: null } as const;

/** Who comes to a server that does not ask who comes. */
export const ANONYMOUS = 'anonymous';

type Declared = Pick<Operation, 'name' | 'roles' | 'reach'>;

/** @throws a bug when one of them does not say who may call it: nobody shall find out by trying. */
export function requireDeclared(operations: readonly Operation[]): void {
  for (const { name, roles, reach } of operations as readonly Partial<Declared>[]) {
    const isDeclared = roles !== undefined && roles.length > 0 && reach !== undefined;
    if (!isDeclared) throw new Error(`${name} does not declare who may call it`);
  }
}

/** @throws forbidden when the caller's role, or what it is bound to, does not allow the operation. */
export function requireAllowed(
  operation: Declared,
  { role, boundTo }: Pick<Caller, 'role' | 'boundTo'>,
): void {
  const { name, roles: declared, reach } = operation;
  if (!declared.includes(role)) {
    throw new HodeiError('forbidden', `The role ${role} may not do ${name}.`, {
      hint: `It takes one of: ${declared.join(', ')}.`,
    });
  }
  if (reach !== 'tenant' && boundTo !== null) {
    throw new HodeiError(
      'forbidden',
      `${name} concerns everybody, and you are bound to a tenant.`,
      {
        hint: 'It takes a token without --tenant.',
      },
    );
  }
}
