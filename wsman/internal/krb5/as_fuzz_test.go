package krb5_test

import "testing"

// FuzzASReply: no panic, and one of message, ticket and error.
func FuzzASReply(f *testing.F) {
	replies, cfg := asReplies(f)
	for _, b := range replies {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { asReply(t, cfg, b) })
}
