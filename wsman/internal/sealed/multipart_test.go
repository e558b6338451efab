package sealed_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

const soap = "application/soap+xml;charset=UTF-8"

func TestContentType(t *testing.T) {
	for p, want := range map[sealed.Protocol]string{
		sealed.ProtocolSPNEGO:   `multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"`,
		sealed.ProtocolKerberos: `multipart/encrypted;protocol="application/HTTP-Kerberos-session-encrypted";boundary="Encrypted Boundary"`,
	} {
		if got := sealed.ContentType(p); got != want {
			t.Errorf("ContentType(%q) = %q, want %q", p, got, want)
		}
	}
}

func TestIsSealed(t *testing.T) {
	for in, want := range map[string]bool{
		sealed.ContentType(sealed.ProtocolSPNEGO):   true,
		sealed.ContentType(sealed.ProtocolKerberos): true,
		"Multipart/Encrypted ; boundary=x":          true,
		"multipart/encrypted":                       true,
		"multipart/x-multi-encrypted;boundary=x":    true,
		soap:                                        false,
		"multipart/mixed;boundary=x":                false,
		"text/plain;x=multipart/encrypted":          false,
		"":                                          false,
	} {
		if got := sealed.IsSealed(in); got != want {
			t.Errorf("IsSealed(%q) = %v, want %v", in, got, want)
		}
	}
}

// TestEncode holds every octet of what is sent to facts/auth.md §2.
func TestEncode(t *testing.T) {
	tests := []struct {
		name      string
		protocol  sealed.Protocol
		context   fakeContext
		plaintext string
		want      string
	}{
		{
			"NTLM", sealed.ProtocolSPNEGO, fakeContext{}, "<e/>", "--Encrypted Boundary\r\n" +
				"Content-Type: application/HTTP-SPNEGO-session-encrypted\r\n" +
				"OriginalContent: type=application/soap+xml;charset=UTF-8;Length=4\r\n" +
				"--Encrypted Boundary\r\n" +
				"Content-Type: application/octet-stream\r\n" +
				"\x10\x00\x00\x00" + "\x00\x00\x00\x00\x98\xac\x2d\x52........<e/>" + "--Encrypted Boundary--\r\n",
		},
		{
			"Kerberos, empty", sealed.ProtocolKerberos, fakeContext{signature: 60}, "", "--Encrypted Boundary\r\n" +
				"Content-Type: application/HTTP-Kerberos-session-encrypted\r\n" +
				"OriginalContent: type=application/soap+xml;charset=UTF-8;Length=0\r\n" +
				"--Encrypted Boundary\r\n" +
				"Content-Type: application/octet-stream\r\n" +
				"\x3c\x00\x00\x00" + "\x00\x00\x00\x00\x47\xac\xf7\x75" + strings.Repeat(".", 52) + "--Encrypted Boundary--\r\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := sealed.Encode(&tt.context, tt.protocol, soap, []byte(tt.plaintext))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, string(got)); d != "" {
				t.Errorf("Encode (-want +got):\n%s", d)
			}
		})
	}
}

func TestEncodeErrors(t *testing.T) {
	broken := errors.New("broken")
	if _, err := sealed.Encode(&fakeContext{err: broken}, sealed.ProtocolSPNEGO, soap, nil); !errors.Is(err, broken) {
		t.Errorf("Encode = %v, want %v", err, broken)
	}
	for _, claimed := range []int{-1, 0, 17, 257} {
		_, err := sealed.Encode(&fakeContext{claimed: &claimed}, sealed.ProtocolSPNEGO, soap, nil)
		if err == nil || !strings.Contains(err.Error(), "signature") {
			t.Errorf("Encode with a signature of %d octets = %v", claimed, err)
		}
	}
}

// TestEncodeAllocates holds Encode to one buffer, into which the context seals.
func TestEncodeAllocates(t *testing.T) {
	plaintext := make([]byte, 64<<10)
	got := testing.AllocsPerRun(20, func() {
		if _, err := sealed.Encode(plainContext{}, sealed.ProtocolKerberos, soap, plaintext); err != nil {
			t.Error(err)
		}
	})
	if got != 1 {
		t.Errorf("Encode allocates %v times, want 1", got)
	}
}
