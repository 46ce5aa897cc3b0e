/** gRPC's own parts, for scripts, whose folder has no packages of its own. */
export {
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
export { loadSync } from '@grpc/proto-loader';
