// An internal test: a process cannot run out of descriptors, or be without addresses, beside other tests.

package wsmantest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestRemedy: an error of Start that comes with many hosts alone says what helps.
func TestRemedy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		addresses bool
		host      int
		errno     syscall.Errno
		want      string // "" is nothing at all
	}{
		{false, 0, syscall.EMFILE, "raise the limit (ulimit -n)"},
		{true, 7, syscall.EMFILE, "raise the limit (ulimit -n)"},
		{true, 1, syscall.EADDRNOTAVAIL, "leave out the many addresses"},
		{true, 0, syscall.EADDRNOTAVAIL, ""}, // the operator named that one
		{false, 1, syscall.EADDRNOTAVAIL, ""},
		{true, 1, syscall.EADDRINUSE, ""},
	} {
		f := &Fleet{cfg: FleetConfig{Addresses: tt.addresses}}
		err := fmt.Errorf("wrapped: %w", &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", tt.errno)})
		got := f.remedy(tt.host, err)
		if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") || got != "" && !strings.HasPrefix(got, "; ") {
			t.Errorf("%+v: %q", tt, got)
		}
	}
	if got := (&Fleet{}).remedy(1, errors.New("x")); got != "" {
		t.Errorf("of another error: %q", got)
	}
}
