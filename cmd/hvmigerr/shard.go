package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// A shard is one of of parts of a list of hosts. The zero value is the whole list.
type shard struct{ index, of uint64 }

// parseShard reads I/N.
func parseShard(s string) (shard, error) {
	index, of, _ := strings.Cut(s, "/")
	i, err := strconv.ParseUint(index, 10, 32)
	n, err2 := strconv.ParseUint(of, 10, 32)
	if err != nil || err2 != nil || i >= n {
		return shard{}, fmt.Errorf("%q is not I/N, with I from 0 to N-1", s)
	}
	return shard{i, n}, nil
}

// holds tells whether a host is in the shard. Its key alone decides, whatever else is in the list, and on every machine alike: the first
// 8 bytes of the SHA-256 of the key, as a number with the highest byte first, modulo N.
func (s shard) holds(key string) bool {
	if s.of == 0 {
		return true
	}
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint64(sum[:8])%s.of == s.index
}

// chooseShard leaves the hosts of --shard, which may be none.
func (p *plan) chooseShard() error {
	if p.flags.shard == "" {
		return nil
	}
	s, err := parseShard(p.flags.shard)
	if err != nil {
		return &usageError{p.flags.origin("shard") + " " + err.Error()}
	}
	p.many = true
	all := len(p.hosts)
	var chosen []*plannedHost
	for _, h := range p.hosts {
		if s.holds(h.target.key) {
			chosen = append(chosen, h)
		}
	}
	p.hosts = chosen
	if len(chosen) == 0 {
		p.app.note("shard %d/%d holds none of the %s", s.index, s.of, countGrouped(all, "host"))
	}
	return nil
}

// countGrouped is count with commas between thousands.
func countGrouped(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}
