// Package doctor checks what camd needs on this machine. Each [Finding] says that something works, or what is wrong and how to repair it.
// The checks change nothing, and do not disturb cameras that are being read.
package doctor
