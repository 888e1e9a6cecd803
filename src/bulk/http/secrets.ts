/** What was sent to servers in confidence, and must not be shown where they repeat it. */

/** Four hours of tokens that live five minutes, each with the assertion it was asked for with. */
const KEPT_MAX = 96

export class Secrets {
  /** Oldest first. */
  private readonly kept = new Set<string>()

  /** An older token may still be good when another one is in use. */
  keep(secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) {
      if (!secret) continue
      this.kept.delete(secret)
      this.kept.add(secret)
    }
    for (const oldest of this.kept) {
      if (this.kept.size <= KEPT_MAX) break
      this.kept.delete(oldest)
    }
  }

  /** Longest first: one may be a part of another. */
  hide(text: string, mark: string): string {
    return [...this.kept].sort((a, b) => b.length - a.length).reduce((rest, each) => rest.replaceAll(each, mark), text)
  }
}
