package transport

import "syscall"

// The numbers are those of Windows Sockets (WinSock2.h). Package net hands them on as they are, while the constants of their names in
// package syscall are numbers of Go's own.

// refusedErrnos are what connect says when a machine refuses.
func refusedErrnos() []syscall.Errno { return []syscall.Errno{10061} } // WSAECONNREFUSED

// timeoutErrnos are what it says when the system itself has given up.
func timeoutErrnos() []syscall.Errno { return []syscall.Errno{10060} } // WSAETIMEDOUT

// unreachableErrnos are what it says when there is no way, or a firewall of this machine forbids.
func unreachableErrnos() []syscall.Errno {
	return []syscall.Errno{
		10065, // WSAEHOSTUNREACH
		10051, // WSAENETUNREACH
		10064, // WSAEHOSTDOWN
		10050, // WSAENETDOWN
		10049, // WSAEADDRNOTAVAIL
		10047, // WSAEAFNOSUPPORT
		10013, // WSAEACCES
		10022, // WSAEINVAL: a link-local address without a zone
	}
}
