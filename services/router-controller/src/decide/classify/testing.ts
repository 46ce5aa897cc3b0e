/** For the tests of clients. */
import type { ModelDescription } from './model-client.ts';

/** A model of two labels that takes one text at a time and tells nothing but OUTPUT. */
export const DESCRIPTION: ModelDescription = {
  version: '1',
  labels: ['A', 'B'],
  size: 2,
  maxBatch: 1,
  hasTokenCount: false,
  tokenLimit: null,
  scoreNames: [],
};
