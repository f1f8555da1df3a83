// Package arch holds no code, only the test that keeps the packages as they are drawn: who may import whom.
package arch
