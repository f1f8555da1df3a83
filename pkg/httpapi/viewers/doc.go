// Package viewers keeps the viewers that receive streams now: who they are, what they have received, and the limits on their number.
package viewers
