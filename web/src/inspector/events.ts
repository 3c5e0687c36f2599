// The events of the local runtime, as signalr_local/inspector/events.schema.json describes them.

export interface RuntimeEvent {
  readonly kind: string;
  readonly timestamp: string;
  readonly seq?: number;
  readonly trace_id?: string;
  readonly hub?: string | null;
  readonly connection_id?: string;
  readonly user_id?: string | null;
  readonly transport?: string;
  readonly protocol?: string;
  readonly reason?: string | null;
  readonly method?: string;
  readonly path?: string;
  readonly status?: number | null;
  readonly target?: string | null;
  readonly invocation_id?: string | null;
  readonly category?: string;
  readonly event?: string;
  readonly url?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | null;
  readonly body_size?: number;
  readonly duration_ms?: number;
  readonly names?: Readonly<Record<string, string>>;
  readonly reached?: number | null;
  readonly receivers?: readonly string[];
  readonly function?: string;
  readonly result?: string;
  readonly error?: string | null | { readonly type: string; readonly message: string };
  readonly level?: string;
  readonly message?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly exception?: { readonly type: string; readonly message: string };
  readonly from?: string | null;
  readonly to?: string;
  readonly name?: string;
  readonly count?: number;
}

export interface Connection {
  readonly connection_id: string;
  readonly user_id: string | null;
  readonly transport: string;
  readonly protocol: string;
  readonly groups: readonly string[];
  readonly waiting: readonly string[];
  readonly claims: Readonly<Record<string, readonly string[]>>;
  readonly seconds?: number;
  readonly received_bytes?: number;
  readonly sent_bytes?: number;
}

export interface Sized {
  readonly name: string;
  readonly connections: number;
}

export interface Hub {
  readonly name: string;
  readonly connection_count: number;
  readonly connections: readonly Connection[];
  readonly user_count: number;
  readonly users: readonly Sized[];
  readonly group_count: number;
  readonly groups: readonly Sized[];
}

export interface Parameter {
  readonly name: string;
  readonly type: string;
  readonly optional?: boolean;
  readonly rest?: boolean;
}

export interface AppFunction {
  readonly name: string;
  readonly trigger: string;
  readonly hub: string | null;
  readonly category: string | null;
  readonly event: string | null;
  readonly parameters: readonly Parameter[] | null;
}

export interface State {
  readonly hubs: readonly Hub[];
  readonly named_hubs: readonly string[];
  readonly app: { readonly functions?: readonly AppFunction[] };
  readonly faults_pending: number;
  readonly played: readonly string[];
}

/** Return the moment of an event, in milliseconds since the epoch. */
export function moment(event: RuntimeEvent): number {
  return Date.parse(event.timestamp);
}

/** Return what an event says of its failure, or null. */
export function errorOf(event: RuntimeEvent): string | null {
  const error = event.error;
  if (error === undefined || error === null) return null;
  return typeof error === "string" ? error : `${error.type}: ${error.message}`;
}

/** Return the names of the hubs that the app has, that upstream rules name, and that clients came to. */
export function hubsOf(state: State): string[] {
  const ofApp = (state.app.functions ?? []).flatMap((one) => (one.hub ? [one.hub.toLowerCase()] : []));
  return [...new Set([...ofApp, ...state.named_hubs, ...state.hubs.map((hub) => hub.name)])];
}
