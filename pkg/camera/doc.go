// Package camera has the words for a camera's condition: states, reasons, status with counters, and image controls.
//
// It has no behaviour and imports only the standard library, so that packages that supply cameras and packages that show
// them do not depend on each other.
package camera
