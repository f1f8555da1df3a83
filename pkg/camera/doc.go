// Package camera declares the types that describe a camera: states, reasons, status with counters, renditions and image controls.
//
// It has almost no behaviour and imports only the standard library. Packages that run cameras and packages that show them both import
// it, and so do not depend on each other.
package camera
