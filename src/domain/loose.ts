/** Every key may be left out. */
export type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Some keys may be left out. */
export type Leaving<T, Optional extends keyof T> = Omit<T, Optional> & Loose<Pick<T, Optional>>;
