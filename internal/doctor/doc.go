// Package doctor looks for what would keep camd from serving on this machine, and says for each thing it looks at that it is
// well, or what is wrong and what mends it. It changes nothing, and disturbs no camera that is being read.
package doctor
