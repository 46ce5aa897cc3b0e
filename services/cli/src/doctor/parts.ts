/** What the doctor uses of the controller: the very parts that serve requests. */
export { Transport } from '../../../router-controller/src/call/transport/transport.ts';
export {
  allTargets,
  type Policy,
  type RouterConfig,
  type Target,
} from '../../../router-controller/src/config/types.ts';
export { KServeGrpcClient } from '../../../router-controller/src/decide/classify/kserve-grpc.ts';
export {
  checkScores,
  LabelMismatch,
  matchLabels,
} from '../../../router-controller/src/decide/classify/match-labels.ts';
export { PROBE_TEXT } from '../../../router-controller/src/decide/classify/model-client.ts';
export { createModelClient } from '../../../router-controller/src/decide/classify/shared-model.ts';
export {
  createLog,
  createMetrics,
  type Logger,
  secrets,
} from '../../../router-controller/src/observe/index.ts';
export { createRedis } from '../../../router-controller/src/redis/index.ts';
