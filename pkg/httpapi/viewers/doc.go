// Package viewers keeps the viewers of running streams: who they are, what they have received, and the limits on their number.
package viewers
