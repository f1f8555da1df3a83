// Package doctor checks what camd needs on this machine. Each [Finding] says that something works, or what is wrong and how to fix it.
// The checks change nothing, and do not disturb cameras that camd reads.
package doctor
