// Keep a connection signed in. @microsoft/signalr 10 cannot do this; this module goes when a later one can.
//
// The HTTP client of a connection sees what the connection is told: by the app, how long its token lives, and by
// the service, its connection token. With the latter the app gives it a new access token in time, which later
// requests carry instead of the first. An app that tells no lifetime is not asked.

import { DefaultHttpClient, HttpClient, NullLogger, type HttpRequest, type HttpResponse } from "@microsoft/signalr";

const CONNECTION_TOKEN = "X-SignalR-Connection-Token";

/** How long before its end a token is replaced, in seconds; after half of its life where that is shorter. */
const BEFORE_END = 300;

/** How long to wait after a refresh that did not reach the app, in seconds. */
const AGAIN_AFTER = 10;

/** The longest that a timer of a browser waits, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

interface Answer {
  readonly url?: string;
  readonly accessToken?: string;
  readonly connectionToken?: string;
  readonly tokenLifetimeSeconds?: number;
}

export class RefreshingHttpClient extends HttpClient {
  readonly #inner = new DefaultHttpClient(NullLogger.instance);
  readonly #refreshUrl: string;
  #accessToken: string | undefined;
  #connectionToken: string | undefined;
  #lifetime: number | undefined;
  #ends = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Take the URL that the connection is given: negotiate and refresh are below it, and keep its query. */
  constructor(url: string) {
    super();
    const [path = "", query] = url.split("?", 2);
    this.#refreshUrl = `${path.replace(/\/$/, "")}/refresh${query === undefined ? "" : `?${query}`}`;
  }

  override async send(request: HttpRequest): Promise<HttpResponse> {
    const isNegotiate = /\/negotiate(\?|$)/.test(request.url ?? "");
    const response = await this.#inner.send(isNegotiate ? request : this.#renewed(request));
    if (isNegotiate) this.#learn(read(response));
    return response;
  }

  override getCookieString(url: string): string {
    return this.#inner.getCookieString(url);
  }

  /** Forget the connection, which has ended. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#accessToken = this.#connectionToken = this.#lifetime = undefined;
  }

  /** Ask the app for a new access token. Return the status of its answer, or 0 without one. */
  async refresh(): Promise<number> {
    const connectionToken = this.#connectionToken;
    if (connectionToken === undefined) return 0;
    const headers = { [CONNECTION_TOKEN]: connectionToken, "X-Requested-With": "XMLHttpRequest" };
    let status = 0;
    let answer: Answer = {};
    try {
      const response = await this.#inner.post(this.#refreshUrl, { headers, content: "", withCredentials: true });
      status = response.statusCode;
      answer = read(response);
    } catch (error) {
      // The client rejects with the status of an answer that is an error.
      status = (error as { statusCode?: number }).statusCode ?? 0;
    }
    // Meanwhile the connection may have ended, and another one have begun.
    if (this.#connectionToken === connectionToken) this.#answered(status, answer);
    return status;
  }

  #learn(answer: Answer): void {
    if (answer.url !== undefined) {
      this.stop();
      this.#lifetime = answer.tokenLifetimeSeconds;
    } else if (answer.connectionToken !== undefined && this.#lifetime !== undefined) {
      this.#connectionToken = answer.connectionToken;
      this.#expectEnd(this.#lifetime);
    }
  }

  #answered(status: number, { accessToken, tokenLifetimeSeconds }: Answer): void {
    if (status === 200 && tokenLifetimeSeconds !== undefined) {
      this.#accessToken = accessToken ?? this.#accessToken;
      this.#expectEnd(tokenLifetimeSeconds);
    } else if ((status === 0 || status >= 500) && status !== 501 && Date.now() + AGAIN_AFTER * 1000 < this.#ends) {
      this.#refreshIn(AGAIN_AFTER);
    }
    // Who is refused stays connected until the token ends.
  }

  #expectEnd(lifetime: number): void {
    this.#ends = Date.now() + lifetime * 1000;
    this.#refreshIn(lifetime > 2 * BEFORE_END ? lifetime - BEFORE_END : lifetime / 2);
  }

  #refreshIn(seconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), Math.min(seconds * 1000, LONGEST));
  }

  #renewed(request: HttpRequest): HttpRequest {
    if (this.#accessToken === undefined || request.headers?.["Authorization"] === undefined) return request;
    return { ...request, headers: { ...request.headers, Authorization: `Bearer ${this.#accessToken}` } };
  }
}

function read(response: HttpResponse): Answer {
  try {
    return JSON.parse(String(response.content)) as Answer;
  } catch {
    return {};
  }
}
