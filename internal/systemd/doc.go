// Package systemd communicates with the service manager: it sends notifications (sd_notify), feeds the watchdog, and uses a listener that the
// service manager has opened. Without a service manager, as in a terminal or a container, every call does nothing.
package systemd
