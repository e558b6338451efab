//go:build !windows

package transport

import "syscall"

// refusedErrnos are what connect(2) says when a machine refuses.
func refusedErrnos() []syscall.Errno { return []syscall.Errno{syscall.ECONNREFUSED} }

// timeoutErrnos are what it says when the kernel itself has given up.
func timeoutErrnos() []syscall.Errno { return []syscall.Errno{syscall.ETIMEDOUT} }

// unreachableErrnos are what it says when there is no way; of a firewall of this machine it says EACCES or EPERM.
func unreachableErrnos() []syscall.Errno {
	return []syscall.Errno{
		syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT,
		syscall.EACCES, syscall.EPERM, syscall.EINVAL, // a link-local address without a zone
	}
}
