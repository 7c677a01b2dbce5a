/*
 * What a service manager is told: datagrams to the socket that $NOTIFY_SOCKET names (sd_notify(3)).
 * Without one, nothing is told; what nobody receives is no error.
 */
#ifndef APP_SERVICE_H
#define APP_SERVICE_H

/* The service does what it is there for, with this to be said of it. */
__attribute__((format(printf, 1, 2))) void service_ready(const char *fmt, ...);
/* It reads its configuration again, until it is ready. */
void service_reloading(void);
void service_stopping(void);
/* It goes round, for WatchdogSec=. */
void service_alive(void);

#endif
