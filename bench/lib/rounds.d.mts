/** Nanoseconds of processor time per unit of work. */
export interface Figure {
  readonly name: string;
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  /** One for each round, in their order. */
  readonly samples: readonly number[];
}

export interface Side<Input = unknown> {
  readonly name: string;
  readonly run: (count: number, input: Input) => void;
  readonly prepare?: (count: number) => Input;
  readonly check?: (count: number) => void;
  readonly units?: number;
}

export interface Times {
  readonly rounds?: number;
  readonly slice?: number;
  readonly warmUp?: number;
}

export function measure<Input>(sides: readonly Side<Input>[], times?: Times): Figure[];
export function summarize(samples: readonly number[]): Omit<Figure, 'name'>;
