/** What a started router tells its user. */
import type { RouterConfig } from '../../../router-controller/src/config/index.ts';

/** Prints the policy table: where each label goes. */
export function describe(config: RouterConfig): void {
  for (const policy of config.table.policies.values()) {
    const isDefault = policy.name === config.table.defaultPolicy ? ' (default)' : '';
    console.log(`policy ${policy.name}${isDefault}`);
    for (const entry of policy.entries.values()) {
      console.log(
        `  ${entry.name.padEnd(22)} → ${entry.routes.map(({ target }) => target.model).join(', ')}`,
      );
    }
  }
}

/** A request to copy. @param key what callers have to show; absent: nothing. */
export function tryLine(url: string, config: RouterConfig, key?: string): string {
  const [policy] = config.table.policies.keys();
  const auth = key ? ` -H "authorization: Bearer ${key}"` : '';
  return `  curl -si ${url}/v1/chat/completions${auth} -H 'content-type: application/json' \\
    -d '{"model": "${policy}", "messages": [{"role": "user", "content": "Write a Python function that reverses a list"}]}'`;
}
