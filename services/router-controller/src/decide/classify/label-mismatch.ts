/** A model that answers, but whose outputs and the policy's entries are not the same set. */
export class LabelMismatch extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LabelMismatch';
  }
}
