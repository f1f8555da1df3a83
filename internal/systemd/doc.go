// Package systemd is all that camd has to do with the service manager: sd_notify, the watchdog, and a listener that was
// opened before camd was started. Without a service manager, which is to say in a terminal or a container, every call does
// nothing.
package systemd
