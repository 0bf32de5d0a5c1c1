/** Names of metrics in the text that Prometheus reads. */

/** The names of the samples that a text can have, those of histograms with their endings. */
export function metricNames(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if (type !== 'histogram') names.add(name);
    else for (const ending of ['_bucket', '_sum', '_count']) names.add(name + ending);
  }
  return names;
}
