//go:build linux || darwin

package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// peakOf returns the most resident memory that a process had. On Linux it is never less than what this program had when it started
// that process, since the figure outlives exec; so this program stays small.
func peakOf(state *os.ProcessState) int64 {
	used, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	peak := int64(used.Maxrss) //nolint:unconvert // 32 bits on some
	if runtime.GOOS == "linux" {
		peak <<= 10 // getrusage(2): kilobytes; on macOS octets
	}
	return peak
}

// tooFewDescriptors says that the simulator cannot have that many hosts, or "".
func tooFewDescriptors(hosts, parallel int) string {
	var limit syscall.Rlimit
	// Go raises the soft limit to the hard one when a program starts.
	need := uint64(hosts) + 2*uint64(parallel) + 64 //nolint:gosec // both are positive
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max >= need {
		return ""
	}
	return fmt.Sprintf("%d hosts: not measured: the simulator needs %d descriptors, a listener for each host and the connections, "+
		"and the hard limit is %d (ulimit -Hn)", hosts, need, limit.Max)
}
