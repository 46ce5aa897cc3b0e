/**
 * Addresses of a cluster, out of the range that RFC 2544 keeps for tests of isolated networks: none of them can be taken for
 * one elsewhere.
 */

/** Nodes count from 1. */
export const nodeName = (node: number): string => `node-${node}`;
export const nodeAddress = (node: number): string => `198.18.255.${node}`;
export const podRange = (node: number): string => `198.18.${node}.0/24`;
export const NODE_BITS = 24;
/** All nodes' pods. */
export const POD_RANGE = '198.18.0.0/17';
export const SERVICE_RANGE = '198.19.0.0/24';
/** The Service `kubernetes`: the first of the range. */
export const API_SERVICE = '198.19.0.1';
export const DNS_SERVICE = '198.19.0.10';
/** The API server, on the first node. */
export const API = `https://${nodeAddress(1)}:6443`;
/** Most nodes that the ranges allow. */
export const MAX_NODES = 100;
