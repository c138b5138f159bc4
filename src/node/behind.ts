// `behind` finds the object that a Proxy stands before, or that another object inherits from: neither has its private fields.

/** Puts the private fields of a subclass on an object that exists. */
// oxlint-disable-next-line no-extraneous-class -- only a constructor can do this
export class Existing {
  constructor(object: object) {
    return object;
  }
}

class Tied extends Existing {
  readonly #owner: object;

  constructor(value: object, owner: object) {
    super(value);
    this.#owner = owner;
  }

  static ownerOf(value: unknown): object | undefined {
    return typeof value === 'object' && value !== null && #owner in value ? value.#owner : undefined;
  }
}

/** Ties an object to its owner, which keeps it in a field, so that `behind` finds the owner. Nobody else sees the tie. */
export function tie<Value extends object>(value: Value, owner: object): Value {
  return new Tied(value, owner) as unknown as Value;
}

/** The owner of the tied object that is, or was inherited, in a field; undefined where there is none. */
export function behind<Owner extends object>(face: Owner, field: string): Owner | undefined {
  let owner = Tied.ownerOf(Reflect.get(face, field));
  // By its descriptor: a deep Proxy, such as Vue's, hands out a Proxy of the value.
  for (let at: object | null = face; !owner && at; at = Object.getPrototypeOf(at) as object | null) {
    owner = Tied.ownerOf(Object.getOwnPropertyDescriptor(at, field)?.value);
  }
  return owner as Owner | undefined;
}
