package sealed_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// The pieces of a body as it should be.
const (
	delimiter = "--Encrypted Boundary\r\n"
	closing   = "--Encrypted Boundary--\r\n"
	spnego    = "Content-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
	original  = "OriginalContent: type=application/soap+xml;charset=UTF-8;Length=4\r\n"
	octets    = "Content-Type: application/octet-stream\r\n"
	// head is all before the binary of a plaintext of four octets.
	head = delimiter + spnego + original + delimiter + octets
)

// A variant is a body that Decode takes. In body "@" stands for a token, of the next element of plaintexts.
type variant struct {
	name, contentType, body string
	context                 fakeContext
	plaintexts              []string // "<e/>" if nil
	media                   string   // soap if empty
}

func variants() []variant {
	const (
		header = `multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"`
		bare   = "multipart/encrypted"
	)
	return []variant{
		{name: "as it should be", body: head + "@" + closing},
		{
			name: "Kerberos", contentType: sealed.ContentType(sealed.ProtocolKerberos), context: fakeContext{signature: 60},
			body: strings.Replace(head, "SPNEGO", "Kerberos", 1) + "@" + closing,
		},
		{name: "tabs before headers", body: delimiter + "\t" + spnego + "\t" + original + delimiter + "\t" + octets + "@" + closing},
		{name: "blanks around headers", body: delimiter + "  " + spnego + " \t" + original + delimiter + " " + octets + "@" + closing},
		{
			name: "Exchange's blank before the boundary",
			body: strings.ReplaceAll(head+"@"+closing, "--Enc", "-- Enc"),
		},
		{name: "a blank before the boundary's end", body: head + "@--Encrypted Boundary --\r\n"},
		{name: "openwsman's last delimiter", body: head + "@-- Encrypted Boundary\r\n"},
		{name: "no line end at the end", body: head + "@--Encrypted Boundary--"},
		{name: "more line ends at the end", body: head + "@" + closing + "\r\n \r\n"},
		{name: "line end before the last delimiter", body: head + "@\r\n" + closing},
		{name: "line end before the first", body: "\r\n" + head + "@" + closing},
		{name: "line feeds alone", body: strings.ReplaceAll(head, "\r\n", "\n") + "@" + closing},
		{name: "empty lines after headers", body: delimiter + spnego + original + "\r\n" + delimiter + octets + "\r\n@" + closing},
		{name: "an empty line of one octet", body: delimiter + spnego + original + "\n" + delimiter + octets + "\n@" + closing},
		{name: "headers in another order", body: delimiter + original + spnego + delimiter + octets + "@" + closing},
		{name: "no Content-Type in the first part", body: delimiter + original + delimiter + octets + "@" + closing},
		{
			name: "more headers", body: delimiter + "Content-Length: 3\r\n" + spnego + original + "X: y\r\n" +
				delimiter + "Content-Length: 24\r\n" + octets + "Content-Transfer-Encoding: binary\r\n@" + closing,
		},
		{
			name: "other letter case", contentType: strings.Replace(strings.ToUpper(header), "ENCRYPTED BOUNDARY", "Encrypted Boundary", 1),
			body: delimiter + strings.ToLower(spnego) + "originalcontent: TYPE=application/soap+xml;CHARSET=utf-8;LENGTH=4\r\n" +
				delimiter + strings.ToUpper(octets) + "@" + closing,
			media: "application/soap+xml;CHARSET=utf-8",
		},
		{name: "blanks in OriginalContent", body: strings.ReplaceAll(head, ";", " ; ") + "@" + closing},
		{name: "length first", body: delimiter + spnego + "OriginalContent: Length=4;type=" + soap + "\r\n" + delimiter + octets + "@" + closing},
		{
			name: "UTF-16", body: strings.Replace(head, "UTF-8", `"UTF-16"`, 1) + "@" + closing,
			media: "application/soap+xml;charset=UTF-16",
		},
		{
			name: "a quoted type", body: strings.Replace(head, soap, `"`+soap+`"`, 1) + "@" + closing,
		},
		{name: "a type without a name", body: strings.Replace(head, "type=", "", 1) + "@" + closing},
		{name: "no charset", body: strings.Replace(head, ";charset=UTF-8", "", 1) + "@" + closing, media: "application/soap+xml"},
		{name: "no type", body: strings.Replace(head, "type="+soap+";", "", 1) + "@" + closing, media: "-"},
		{name: "no type but a charset", body: strings.Replace(head, "type=application/soap+xml;", "", 1) + "@" + closing, media: "-"},
		{name: "boundary without quotes", contentType: bare + "; boundary=Encrypted Boundary ; charset=x", body: head + "@" + closing},
		{name: "protocol without quotes", contentType: strings.ReplaceAll(header, `"`, ""), body: head + "@" + closing},
		{name: "a semicolon in quotes", contentType: bare + `;x="a;boundary=b"`, body: head + "@" + closing},
		{name: "no boundary", contentType: bare, body: head + "@" + closing},
		{
			name: "another boundary", contentType: bare + `;boundary="a--b"`,
			body: strings.ReplaceAll(head+"@"+closing, "Encrypted Boundary", "a--b"),
		},
		{name: "nothing in it", plaintexts: []string{""}, body: strings.Replace(head, "=4", "=0", 1) + "@" + closing},
		{name: "two pairs", plaintexts: []string{"<e/>", "<f/>"}, body: head + "@" + head + "@" + closing},
		{
			name: "three pairs, one empty", plaintexts: []string{"<e/>", "", "<g/>"},
			body: head + "@\r\n" + strings.Replace(head, "=4", "=0", 1) + "@" + head + "@" + closing,
		},
		{
			name: "Exchange's two pairs", plaintexts: []string{"<e/>", "<f/>"},
			body: strings.ReplaceAll(head+"@"+head+"@"+closing, "--Enc", "-- Enc"),
		},
		{name: "a token that is not rotated", context: fakeContext{signature: 32, trailer: 28}, body: head + "@" + closing},
		{name: "the longest trailer", context: fakeContext{signature: 16, trailer: 72}, body: head + "@" + closing},
		{
			name: "the longest signatures", context: fakeContext{signature: 256}, plaintexts: []string{"<e/>", "<f/>"},
			body: head + "@" + head + "@" + closing,
		},
	}
}

// build puts tokens into the body, sealed by a copy of the variant's context.
func (v variant) build(tb testing.TB) (contentType, body string) {
	tb.Helper()
	context := v.context
	plaintexts := v.plaintexts
	if plaintexts == nil {
		plaintexts = []string{"<e/>"}
	}
	var b strings.Builder
	for i, piece := range strings.Split(v.body, "@") {
		if i > 0 {
			b.WriteString(context.token(tb, plaintexts[i-1]))
		}
		b.WriteString(piece)
	}
	if v.contentType == "" {
		return sealed.ContentType(sealed.ProtocolSPNEGO), b.String()
	}
	return v.contentType, b.String()
}

func TestDecode(t *testing.T) {
	for _, tt := range variants() {
		t.Run(tt.name, func(t *testing.T) {
			contentType, body := tt.build(t)
			want, media := strings.Join(tt.plaintexts, ""), tt.media
			if tt.plaintexts == nil {
				want = "<e/>"
			}
			switch media {
			case "":
				media = soap
			case "-":
				media = ""
			}
			got, original, err := decode(&tt.context, contentType, body)
			if err != nil {
				t.Fatalf("Decode(%q): %v", body, err)
			}
			if got != want || original != media {
				t.Errorf("Decode = %q of type %q, want %q of type %q", got, original, want, media)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	token := (&fakeContext{}).token(t, "<e/>")
	good := head + token + closing
	long := strings.Repeat("x", 1025)
	tests := []struct{ name, contentType, body, want string }{
		{"in clear", soap, good, `type "application/soap+xml", not multipart/encrypted`},
		{"no type", "", good, `type "", not multipart/encrypted`},
		{"CredSSP", `multipart/x-multi-encrypted;protocol="application/HTTP-CredSSP-session-encrypted"`, good, "CredSSP"},
		{"CredSSP's protocol", `multipart/encrypted;protocol="application/HTTP-CredSSP-session-encrypted"`, good, "protocol"},
		{"CredSSP's part", "", strings.Replace(good, "SPNEGO", "CredSSP", 1), "protocol"},
		{"a long boundary", "multipart/encrypted;boundary=" + long, good, "a boundary of 1025 octets"},
		{"the header's boundary is another", "multipart/encrypted;boundary=other", good, `the delimiter "--other--"`},
		{"nothing", "", "", "does not end with the delimiter"},
		{"only the end", "", closing, "no line ends"},
		{"no end", "", head + token, "does not end with the delimiter"},
		{"something after the end", "", good + "x", "does not end with the delimiter"},
		{"something before the first delimiter", "", "x\r\n" + good, `"x" stands where a delimiter is due`},
		{"closed before the second part", "", delimiter + spnego + original + closing, "no line ends"},
		{"no OriginalContent", "", strings.Replace(good, original, "", 1), "without OriginalContent"},
		{"two of them", "", strings.Replace(good, original, original+original, 1), "two OriginalContent"},
		{"no colon", "", strings.Replace(good, spnego, "Content-Type\r\n", 1), "not a part header"},
		{"a long line", "", strings.Replace(good, spnego, long+":\r\n", 1), "no line ends in the next 1024 octets"},
		{"no length", "", strings.Replace(good, ";Length=4", "", 1), `length ""`},
		{"two lengths", "", strings.Replace(good, "Length=4", "Length=4;length=4", 1), "two lengths"},
		{"a negative length", "", strings.Replace(good, "=4", "=-4", 1), `length "-4"`},
		{"a length with a sign", "", strings.Replace(good, "=4", "=+4", 1), `length "+4"`},
		{"a huge length", "", strings.Replace(good, "=4", "=2147483647", 1), "2147483647 octets and a signature of 16 were announced, 20 are left"},
		{"more than that", "", strings.Replace(good, "=4", "=2147483648", 1), `length "2147483648"`},
		{"a length too large by one", "", strings.Replace(good, "=4", "=5", 1), "5 octets and a signature of 16 were announced, 20 are left"},
		{"a length too small by one", "", strings.Replace(good, "=4", "=3", 1), "3 octets were announced, 4 are sealed"},
		{"a binary of another type", "", strings.Replace(good, "octet-stream", "xml", 1), `a binary part of type "application/xml"`},
		{"a binary of no type", "", strings.Replace(good, octets, "", 1), "a binary part without Content-Type"},
		{"no binary", "", head + closing, "where the signature is due"},
		{"half a length", "", head + "\x10\x00" + closing, "where the signature is due"},
		{"no signature", "", head + "\x00\x00\x00\x00<e/>" + closing, "where the signature is due"},
		{"a long signature", "", head + "\x01\x01\x00\x00" + strings.Repeat(".", 261) + closing, "where the signature is due"},
		{"a huge signature", "", head + "\xff\xff\xff\xff" + token + closing, "where the signature is due"},
		{"a short token", "", head + token[:len(token)-1] + closing, "19 are left"},
		{"another signature", "", head + "\x11" + token[1:] + "." + closing, "checksum"},
		{"an octet changed", "", strings.Replace(good, "<e/>", "<f/>", 1), "checksum"},
		{"an octet added", "", head + token + "." + closing, "checksum"},
		{"a trailer too long", "", head + token + strings.Repeat("\n", 73) + closing, "no line ends"},
		{"text after a token", "", head + token + strings.Repeat("x", 72) + "\n" + closing, "stands where a delimiter is due"},
		{"the same pair twice", "", head + token + good, "checksum"},
		{"a second pair cut", "", head + token + head + token[:10] + closing, "6 are left"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			contentType := tt.contentType
			if contentType == "" && tt.name != "no type" {
				contentType = sealed.ContentType(sealed.ProtocolSPNEGO)
			}
			p, media, err := decode(&fakeContext{}, contentType, tt.body)
			if err == nil || !strings.HasPrefix(err.Error(), "sealed body: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode = %v, want %q", err, tt.want)
			}
			if p != "" || media != "" {
				t.Errorf("Decode returned %q of type %q with its error", p, media)
			}
		})
	}
	if _, _, err := decode(&fakeContext{}, sealed.ContentType(sealed.ProtocolSPNEGO), head+token[:23]+"x"+closing); !errors.Is(err, errChecksum) {
		t.Errorf("Decode = %v, want the context's error in it", err)
	}
}

// adversarial are what a parser that searches would stumble over in a binary.
var adversarial = []string{
	delimiter, closing, head, "\r\n", "\r\n" + closing, "--", "-- Encrypted Boundary", octets, "\x10\x00\x00\x00", "\n", "--\r\n", "\x00",
}

// mixed returns n octets, of noise and of adversarial pieces.
func mixed(r *rand.Rand, n int) string {
	b := make([]byte, 0, n+len(head))
	for len(b) < n {
		if r.IntN(3) == 0 {
			b = append(b, adversarial[r.IntN(len(adversarial))]...)
			continue
		}
		for range 1 + r.IntN(20) {
			b = append(b, byte(r.Uint32()))
		}
	}
	return string(b[:n])
}

// TestDecodeRandom seals 10,000 bodies of one to three pairs, whose signatures, plaintexts and trailers are full of delimiters.
func TestDecodeRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		context := fakeContext{signature: 8 + r.IntN(249), filler: mixed(r, 1+r.IntN(300))}
		opener := context
		var b, want strings.Builder
		for more := true; more; {
			p := mixed(r, r.IntN(400))
			if more = r.IntN(2) == 0; !more && r.IntN(2) == 0 {
				// Two octets of trailer may look like a line end; no mechanism has fewer than 12.
				context.trailer = 12 + r.IntN(61)
			}
			fmt.Fprintf(&b, "%s%sOriginalContent: type=%s;Length=%d\r\n%s%s", delimiter, spnego, soap, len(p), delimiter, octets)
			b.WriteString(context.token(t, p))
			want.WriteString(p)
		}
		b.WriteString(closing)
		// The last token's trailer is the only one.
		got, err := decodeEach(&opener, context.trailer, context.sent, b.String())
		if err != nil {
			t.Fatalf("Decode(%q): %v", b.String(), err)
		}
		if got != want.String() {
			t.Fatalf("Decode(%q) = %q, want %q", b.String(), got, want.String())
		}
	}
}

// decodeEach decodes body with a context that expects the trailer on its last token alone.
func decodeEach(c *fakeContext, trailer int, tokens uint32, body string) (string, error) {
	p, _, err := decode(&lastTrailer{c, trailer, tokens}, sealed.ContentType(sealed.ProtocolSPNEGO), body)
	return p, err
}

type lastTrailer struct {
	*fakeContext
	length int
	tokens uint32
}

func (c *lastTrailer) Unseal(token []byte, signature int) ([]byte, error) {
	if c.received == c.tokens-1 {
		c.trailer = c.length
	}
	return c.fakeContext.Unseal(token, signature)
}

// TestDecodeInPlace holds Decode to the caller's buffer: a body of one pair is not copied.
func TestDecodeInPlace(t *testing.T) {
	plaintext := bytes.Repeat([]byte("x"), 64<<10)
	body, err := sealed.Encode(plainContext{}, sealed.ProtocolSPNEGO, soap, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := sealed.Decode(plainContext{}, sealed.ContentType(sealed.ProtocolSPNEGO), body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p, plaintext) || cap(p) != len(p) || &p[0] != &body[bytes.IndexByte(body, '.')+2] {
		t.Error("the plaintext is not the part of the body that holds it")
	}
}
