// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"fmt"
	"testing"
)

func TestParseShard(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want shard
		ok   bool
	}{
		{"0/1", shard{0, 1}, true},
		{"9/10", shard{9, 10}, true},
		{"10/10", shard{}, false},
		{"0/0", shard{}, false},
		{"-1/3", shard{}, false},
		{"1", shard{}, false},
		{"/", shard{}, false},
		{"1/2/3", shard{}, false},
		{"1/ 3", shard{}, false},
		{"0/4294967296", shard{}, false},
	} {
		got, err := parseShard(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("parseShard(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
}

// TestShardFormula holds the formula that the help promises; the numbers were computed by another program (Python's hashlib).
func TestShardFormula(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]uint64{"hv01": 7, "hv02.example.com": 2, "127.0.0.1:20001": 2, "[2001:db8::7]:5986": 9, "münchen-01": 2} {
		for i := range uint64(10) {
			if got := (shard{i, 10}).holds(key); got != (i == want) {
				t.Errorf("shard %d/10 holds %q: %v, want it in %d", i, key, got, want)
			}
		}
	}
}

// TestShardCover: each host is in exactly one shard, and no shard has more than its share by far.
func TestShardCover(t *testing.T) {
	t.Parallel()
	const of, hosts = 7, 7000
	var sizes [of]int
	for n := range hosts {
		key := fmt.Sprintf("hv%04d.example.com", n)
		in := 0
		for i := range uint64(of) {
			if (shard{i, of}).holds(key) {
				in++
				sizes[i]++
			}
		}
		if in != 1 {
			t.Fatalf("%s is in %d shards", key, in)
		}
	}
	for i, size := range sizes {
		if size < hosts/of*8/10 || size > hosts/of*12/10 {
			t.Errorf("shard %d has %d of %d hosts", i, size, hosts)
		}
	}
}
