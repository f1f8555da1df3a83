// Package systemd talks to the service manager: it sends notifications (sd_notify), feeds the watchdog, and takes over a listener that
// was opened before camd started. Without a service manager, as in a terminal or a container, every call does nothing.
package systemd
