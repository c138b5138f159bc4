// Properties that a mutant breaks are not shrunk, which would take longer than the mutant has; and each mutant meets the same inputs.
import fc from 'fast-check';

fc.configureGlobal({ endOnFailure: true, seed: 6455 });
