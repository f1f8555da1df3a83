// Package arch holds no code, only the test that checks which package may import which.
package arch
