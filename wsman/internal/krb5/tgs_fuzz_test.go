package krb5_test

import "testing"

// FuzzTGSReply: no panic, and one of ticket and error.
func FuzzTGSReply(f *testing.F) {
	replies, cfg := tgsReplies(f)
	for _, b := range replies {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { tgsReply(t, cfg, b) })
}
