import { LOCAL } from '../domain/context.ts';
import { invalid } from '../domain/errors.ts';
import type { ContextHost, ContextList, ContextView } from '../cli/host.ts';
import { contextNamed, readContexts, writeContexts, type Contexts } from './contexts.ts';
import type { World } from './world.ts';

/** What `hodei context` does. */
export function contextCommands(world: World): Omit<ContextHost, 'login'> {
  return {
    list: async () => listOf(await readContexts(), world),

    async use(name) {
      const contexts = await readContexts();
      if (name !== LOCAL) contextNamed(contexts, name);
      const changed = { ...contexts, current: name };
      // Without a file the one here is current already.
      if (name !== contexts.current) await writeContexts(changed);
      return listOf(changed, world);
    },

    async delete(name) {
      if (name === LOCAL) throw invalid('The context local is the file here, and is always there.');
      const contexts = await readContexts();
      contextNamed(contexts, name);
      const servers = new Map(contexts.servers);
      servers.delete(name);
      const current = contexts.current === name ? LOCAL : contexts.current;
      await writeContexts({ current, servers });
      return listOf({ current, servers }, world);
    },
  };
}

function listOf({ current, servers }: Contexts, world: World): ContextList {
  const local = { name: LOCAL, server: null, has_token: false, ca: null };
  const others = [...servers].map(([name, { server, token, ca }]) => {
    return { name, server, has_token: token !== undefined, ca: ca ?? null };
  });
  const contexts: ContextView[] = [local, ...others].map((context) => {
    return { ...context, is_current: context.name === current };
  });
  return { contexts, overriddenBy: overridingVariable(world) };
}

/** What is set in the environment comes before the current context. */
export function overridingVariable({ env }: World): string | undefined {
  return ['HODEI_DB', 'HODEI_SERVER', 'HODEI_CONTEXT'].find((name) => env[name]);
}
