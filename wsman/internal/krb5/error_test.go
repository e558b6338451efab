package krb5_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// krbError returns a KRB-ERROR as gokrb5 writes it.
func krbError(tb testing.TB, edit func(*messages.KRBError)) []byte {
	tb.Helper()
	m := messages.KRBError{
		PVNO: 5, MsgType: 30, STime: now.Truncate(time.Second), Susec: 123456, ErrorCode: 7, Realm: "CORP.EXAMPLE",
		SName: types.PrincipalName{NameType: 2, NameString: []string{"HTTP", "hv01"}}, EText: "LOOKING_UP_SERVER", EData: []byte{0x30, 0},
	}
	edit(&m)
	b, err := m.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestDecodeError(t *testing.T) {
	got, err := krb5.DecodeError(krbError(t, func(*messages.KRBError) {}))
	want := &krb5.Error{
		Code: krb5.CodeServerUnknown, Text: "LOOKING_UP_SERVER", Realm: "CORP.EXAMPLE", Server: service,
		ServerTime: now.Truncate(time.Microsecond), EData: []byte{0x30, 0},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("DecodeError: %v (-want +got):\n%s", err, diff)
	}
}

func TestDecodeErrorRefuses(t *testing.T) {
	good := krbError(t, func(*messages.KRBError) {})
	for _, tt := range []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", nil, "KRB-ERROR"},
		{"cut", good[:len(good)-1], "KRB-ERROR"},
		{"another message", bytes.Replace(good, good[:1], []byte{0x6f}, 1), "KRB-ERROR"},
		{"another type inside", krbError(t, func(m *messages.KRBError) { m.MsgType = 15 }), "message type 15"},
		{"more after it", append(bytes.Clone(good), 0), "something follows"},
		{"long", make([]byte, 70_000), "more than 65536"},
	} {
		if e, err := krb5.DecodeError(tt.in); err == nil || e != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: DecodeError = %v, %v, want %q", tt.name, e, err, tt.want)
		}
	}
}

// TestDecodeErrorClock has microseconds that are none.
func TestDecodeErrorClock(t *testing.T) {
	for micro, want := range map[int]time.Duration{-5: 0, 2_000_000_000: 999_999 * time.Microsecond} {
		e, err := krb5.DecodeError(krbError(t, func(m *messages.KRBError) { m.Susec = micro }))
		if err != nil || e.ServerTime.Sub(now.Truncate(time.Second)) != want {
			t.Errorf("%d microseconds: %v, %v", micro, e, err)
		}
	}
}
