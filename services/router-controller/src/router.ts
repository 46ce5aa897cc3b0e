/** Puts the steps together into one running controller. */
import { createServer, type Server } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { Admission, Gate, type GateOptions } from './admit/index.ts';
import { Authenticator, checkDoor } from './authenticate/index.ts';
import { observeCalls, type Time, UpstreamCaller } from './call/index.ts';
import { type RouterConfig, type WatchTimes, watchFiles } from './config/index.ts';
import { priceProblems, unpricedTargets } from './config/prices.ts';
import { Decider, type DeciderDeps, RedisStore } from './decide/index.ts';
import { RouterError } from './errors.ts';
import { createAdminApp } from './http/admin.ts';
import { createApp } from './http/app.ts';
import { Arrivals } from './http/arrival.ts';
import { classesOf } from './http/as-express.ts';
import { Listeners, listenAlone } from './http/listeners.ts';
import { Ledger } from './ledger/index.ts';
import {
  budgetNotice,
  classifierNotice,
  Notifier,
  reloadNotice,
  sharingNotice,
  tellOfCalls,
} from './notify/index.ts';
import {
  createLog,
  createMetrics,
  createTracing,
  isTooWeak,
  type Logger,
  type Metrics,
  secrets,
} from './observe/index.ts';
import { ByteBudget } from './receive/index.ts';
import { createRedis } from './redis/index.ts';
import { Reloader, type ReloadResult } from './reload.ts';
import { Feedback, Settler } from './settle/index.ts';
import { VERSION } from './version.ts';

export { VERSION };

/** Conversations remembered by this process for a Redis that is away. */
const PINS_KEPT = 50_000;

export interface RouterOptions {
  readonly config: RouterConfig;
  readonly log?: Logger;
  readonly metrics?: Metrics;
  /** Replaces the call step's clock and timers in proofs. */
  readonly time?: Time;
  /** Replaces the classifier's clients in tests. */
  readonly connect?: DeciderDeps['connect'];
  /** Reads the configuration anew, for reload(); default: reload finds nothing changed. */
  readonly load?: () => Promise<RouterConfig>;
  /** Its number among several workers, for the log; default: it is alone. */
  readonly worker?: number | null;
  /** The text of /metrics where it tells of several workers; default: its own. */
  readonly page?: () => Promise<string>;
  /** Watch the configuration file and the secret files it names, at these times; needs `load`. Default: false. */
  readonly watch?: boolean | Partial<WatchTimes>;
}

export interface Router {
  /** http://HOST:PORT */
  readonly url: string;
  /** Where the admin API listens; null: it is off. */
  readonly adminUrl: string | null;
  readonly metrics: Metrics;
  readonly decider: Decider;
  /** Requests being worked on. */
  readonly inFlight: () => number;
  /**
   * Stops: readiness off, no new work, requests in flight end within `shutdown_grace_ms`; what is left then gets a 503,
   * or an error event where its stream has begun. Resolves when everything is closed.
   */
  readonly stop: () => Promise<void>;
  /** Reads the configuration again and takes it into force when it is whole and right. Never rejects. */
  readonly reload: (trigger: string) => Promise<ReloadResult>;
}

/** Headers for the receiver of traces, as OpenTelemetry's variables hold them: `name=value,…`. */
const tracingSecrets = (env: NodeJS.ProcessEnv): string[] =>
  [env.OTEL_EXPORTER_OTLP_HEADERS, env.OTEL_EXPORTER_OTLP_TRACES_HEADERS]
    .flatMap((text) => text?.split(',') ?? [])
    .map((pair) => pair.slice(pair.indexOf('=') + 1).trim());

/** How often clients that are late with their headers or body are looked for: Node's own half a minute would add to each limit. */
const CHECK_MS = 1_000;
/** Between the last word of the router and the cutting of connections: the words have to arrive. */
const FAREWELL_MS = 1_000;

const budgetOf = (server: RouterConfig['file']['server']) => ({
  total: server.body_bytes_in_flight,
  tenantShare: server.body_tenant_share,
});

/** Prompts of previews wait in turn, for as long as a client would. */
const PREVIEWS_WAIT_MS = 60_000;
const previewOptions = ({ file }: RouterConfig): GateOptions => ({
  max_in_flight: file.classifier.preview_concurrency,
  max_queue: Number.POSITIVE_INFINITY,
  max_queue_wait_ms: PREVIEWS_WAIT_MS,
  tenant_share: file.admission.tenant_share,
});

/** A router that runs goes on with a budget that nothing can spend; check-config refuses it. */
function warnOfPrices(log: Logger, { file, table }: RouterConfig): void {
  for (const { path, message } of priceProblems(file, table))
    log.warn('a budget counts nothing', { path, problem: message });
  const targets = unpricedTargets(file, table);
  if (targets.length > 0)
    log.warn('requests to targets without a price cost budgets in USD nothing', { targets });
}

const gateOptions = ({ file }: RouterConfig): GateOptions => ({
  ...file.server,
  tenant_share: file.admission.tenant_share,
});

/**
 * Starts a controller. It listens once every reachable model's labels agree with its policy.
 *
 * @throws LabelMismatch, or Error when the port is taken or keys are needed and missing.
 */
export async function startRouter(options: RouterOptions): Promise<Router> {
  let config = options.config;
  const { server: settings } = config.file;
  const metrics = options.metrics ?? createMetrics({ runtime: true });
  const ownLog = options.log
    ? null
    : createLog({
        level: config.file.logging.level,
        to: config.file.logging.stream,
        severity: config.file.logging.severity,
        worker: options.worker ?? null,
        onDropped: (lines) => metrics.logDropped.inc(lines),
      });
  const log = options.log ?? ownLog!;
  const keeper = {};
  const keepSecrets = ({ secrets: found }: RouterConfig) => {
    secrets.know(keeper, [...found.map(({ value }) => value.reveal()), ...tracingSecrets(process.env)]);
    const weak = found.filter(({ value }) => isTooWeak(value.reveal())).map(({ path }) => path);
    if (weak.length > 0)
      log.warn('too short, or a common word, to be taken out of answers and logs; use a longer one', {
        paths: weak,
      });
  };
  keepSecrets(config);
  warnOfPrices(log, config);
  const tracing = await createTracing(config.file.tracing, VERSION, (problem) =>
    log.warn('traces can’t be delivered', { problem }),
  );
  metrics.build.set({ version: VERSION, node: process.version, config: config.version }, 1);

  const arrivals = new Arrivals();
  const gate = new Gate(gateOptions(config), metrics);
  const previews = new Gate(previewOptions(config));
  const bodies = new ByteBudget(budgetOf(settings), (bytes) => metrics.bodyBytes.set(bytes));
  const redis = createRedis(config.file.redis, metrics, log);
  redis?.rereadBy(async () => {
    const read = await options.load?.();
    if (read) keepSecrets(read);
    return read?.file.redis;
  });
  let authenticator: Authenticator;
  try {
    authenticator = new Authenticator(config.file, metrics, redis);
  } catch (error) {
    await redis?.close();
    throw error;
  }
  const ledger = new Ledger(config, redis, metrics);
  const notifier = new Notifier({ config, redis, metrics, log });
  redis?.hearBy((up, problem) => notifier.tell(sharingNotice(up, problem)));
  ledger.budgets.hearBy({
    wanted: () => notifier.hasWebhooks,
    reached: (state, level, warnAt) => notifier.tell(budgetNotice(state, level, warnAt)),
  });
  // A classifier that starts together with the router is no news until the router would be ready without it.
  let started = false;
  const admission = new Admission({ config, metrics, redis, ledger });
  const store = redis && new RedisStore(redis, PINS_KEPT);
  const decider = new Decider({
    config,
    metrics,
    log,
    ...(store && { store }),
    ...(options.connect && { connect: options.connect }),
    onClassifier: (policy, { ready, problem }) => {
      if (started) notifier.tell(classifierNotice(policy, ready, problem));
    },
  });
  const caller = new UpstreamCaller({
    config,
    metrics,
    log,
    observer: tellOfCalls(observeCalls(metrics, log), (notice) => notifier.tell(notice)),
    ...(options.time && { time: options.time }),
  });
  const settler = new Settler(metrics, log, ledger);
  settler.useConfig(config);
  const feedback = settler.rememberBy((note) => new Feedback(config.file.feedback, metrics, store, note));
  let draining = false;
  let accepting = true;
  const app = createApp({
    config: () => config,
    authenticator: () => authenticator,
    draining: () => draining,
    accepting: () => accepting,
    arrivals,
    gate,
    previews,
    bodies,
    admission,
    decider,
    caller,
    settler,
    feedback,
    ledger,
    tracing,
    ...(options.page && { page: options.page }),
    metrics,
    log,
  });
  const server = createServer(
    {
      headersTimeout: settings.headers_timeout_ms,
      requestTimeout: settings.request_timeout_ms,
      connectionsCheckingInterval: CHECK_MS,
      keepAliveTimeout: 65_000,
      ...classesOf(app),
    },
    app,
  );
  const listeners = new Listeners(server, {
    max: settings.max_connections,
    onDropped: () => metrics.connectionsDropped.inc(),
    onError: (error) => log.error('a connection could not be taken', { problem: error.message }),
  });
  // Node would tell every client at once to send its body; the handlers do, when the caller is known.
  server.on('checkContinue', app);

  const reloader = new Reloader({
    load: options.load ?? (async () => config),
    current: () => config,
    apply: async (loaded) => {
      // The socket stays where it is, and whether keys are asked for hangs on that.
      const { host, port } = config.file.server;
      const next = { ...loaded, file: { ...loaded.file, server: { ...loaded.file.server, host, port } } };
      checkDoor(config.file, next.file);
      const withAuth = new Authenticator(next.file, metrics, redis, authenticator);
      // The only part that can refuse, and the only one that waits: after it everything changes in one turn.
      await decider.useConfig(next);
      keepSecrets(next);
      warnOfPrices(log, next);
      if (!isDeepStrictEqual(next.file.auth, config.file.auth)) authenticator = withAuth;
      admission.useConfig(next);
      ledger.useConfig(next);
      gate.useOptions(gateOptions(next));
      previews.useOptions(previewOptions(next));
      bodies.useOptions(budgetOf(next.file.server));
      listeners.max = next.file.server.max_connections;
      caller.useConfig(next);
      redis?.useCredentials(next.file.redis);
      settler.useConfig(next);
      notifier.useConfig(next);
      log.level = next.file.logging.level;
      metrics.build.reset();
      metrics.build.set({ version: VERSION, node: process.version, config: next.version }, 1);
      config = next;
    },
    metrics,
    log,
    onResult: (result, before, trigger) => {
      const notice = reloadNotice(result, before, trigger);
      if (notice) notifier.tell(notice);
    },
  });

  let url: string;
  let adminServer: Server | null = null;
  let adminUrl: string | null = null;
  let unwatch = () => {};
  try {
    // Redis that is there is used from the first request on; one that is not is not waited for.
    await Promise.all([decider.start(), redis?.firstLook()]);
    started = true;
    for (const [policy, { ready, problem }] of Object.entries(decider.status()))
      if (!ready) notifier.tell(classifierNotice(policy, ready, problem));
    url = await listeners.listen(settings.host, settings.port);
    const { admin } = config.file;
    if (admin) {
      adminServer = createServer(createAdminApp({ config: () => config, redis, ledger, metrics, log }));
      adminUrl = await listenAlone(adminServer, admin.host, admin.port);
      log.info('admin API', { url: adminUrl });
    }
    if (options.watch) {
      unwatch = await watchFiles({
        path: config.path,
        also: () => config.secretFiles,
        onChange: async (rests) => (await reloader.reload('file changed', rests)).result !== 'refused',
        onDiffers: (since) => metrics.configDiffersSince.set(since ?? 0),
        ...(typeof options.watch === 'object' && options.watch),
      });
    }
  } catch (error) {
    decider.close();
    await caller.close();
    void listeners.close();
    adminServer?.close();
    await notifier.close();
    await redis?.close();
    throw error;
  }

  async function stop(): Promise<void> {
    if (draining) return;
    draining = true;
    unwatch();
    log.info('stopping', { in_flight: gate.inFlight });
    // Readiness is off now; what still comes is served while balancers notice.
    await new Promise((resolve) => setTimeout(resolve, config.file.server.drain_delay_ms));
    const closed = listeners.close();
    server.closeIdleConnections();
    const idle = setInterval(() => {
      server.closeIdleConnections();
      // Node waits for the first request of a connection that clients opened in advance.
      for (const socket of listeners.open) if (socket.bytesRead === 0) socket.destroy();
    }, 100);
    const grace = config.file.server.shutdown_grace_ms;
    const last = setTimeout(() => {
      // Until now what was on its way on an open connection as the listener closed is served: nobody else can.
      accepting = false;
      log.warn('grace is over; requests in flight are given up', { in_flight: arrivals.size });
      arrivals.giveUp(
        new RouterError(
          'shutting_down',
          `This replica stopped before the answer was whole (${grace} ms grace)`,
          {
            headers: { 'retry-after': '1', connection: 'close' },
          },
        ),
      );
    }, grace);
    const cut = setTimeout(() => server.closeAllConnections(), grace + FAREWELL_MS);
    adminServer?.close();
    adminServer?.closeAllConnections();
    await closed;
    clearInterval(idle);
    clearTimeout(last);
    clearTimeout(cut);
    decider.close();
    await caller.close();
    await settler.close();
    await admission.close();
    await ledger.close();
    await notifier.close();
    await redis?.close();
    await tracing.close();
    log.info('stopped');
    await ownLog?.finish();
    secrets.forget(keeper);
  }

  return {
    url,
    adminUrl,
    metrics,
    decider,
    inFlight: () => gate.inFlight,
    stop,
    reload: (trigger) => reloader.reload(trigger),
  };
}
