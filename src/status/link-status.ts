/** What is kept of one link for the reports on it: its errors of late, and what it has been through. */
import type { LinkObserver } from '../link-observer.ts';
import type { Log } from '../log.ts';
import { buildLinkReport, type LinkParts } from './build-report.ts';
import { RecentErrors } from './recent-errors.ts';
import { LinkRecorder } from './recorder.ts';
import type { LinkReport } from './report.ts';

export class LinkStatus {
  /** The log that the link must use, so that its errors are heard. */
  readonly log: Log;
  readonly recorder = new LinkRecorder();
  readonly #config: LinkParts['config'];
  readonly #errors = new RecentErrors();

  constructor(config: LinkParts['config'], log: Log) {
    this.#config = config;
    this.log = this.#errors.listen(log);
  }

  /** To be told of everything that happens at the link. */
  get observe(): LinkObserver {
    return this.recorder.observe;
  }

  /** The report at this moment. */
  report(now: Pick<LinkParts, 'view' | 'complaint' | 'tunnel' | 'hello' | 'kme'>): LinkReport {
    const { recorder } = this;
    return buildLinkReport({ config: this.#config, recorder, errors: this.#errors, ...now });
  }
}
