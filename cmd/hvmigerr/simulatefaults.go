package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A fault is how a host of many misbehaves.
type fault string

// The faults that --faults knows.
const (
	faultHang   fault = "hang"   // it takes connections and never answers
	faultReset  fault = "reset"  // it resets the connection at every request
	faultRefuse fault = "refuse" // its users have another password
	faultFlood  fault = "flood"  // every answer but those to tokens has 300 MB
)

func knownFaults() []fault { return []fault{faultHang, faultReset, faultRefuse, faultFlood} }

const (
	faultForEver = 365 * 24 * time.Hour
	faultSize    = 300_000_000
)

// rules returns what makes a host misbehave so.
func (f fault) rules() []wsmantest.Rule {
	rule := wsmantest.Rule{}
	switch f {
	case faultHang:
		rule.Delay = wsmantest.Duration(faultForEver)
	case faultReset:
		rule.Reset = true
	case faultFlood:
		// Without Content-Length: whoever reads has to count.
		return []wsmantest.Rule{{Flood: faultSize, Chunked: true}}
	default:
		return nil
	}
	tokens := rule
	tokens.Operation = operationAuthenticate
	return []wsmantest.Rule{tokens, rule}
}

// spread returns which host has which fault: as many as --faults says in percent, rounded down, and evenly among the others, in
// turn, the same in every run.
func (f *simulateFlags) spread() ([]fault, error) {
	shares, err := f.shares()
	if err != nil {
		return nil, err
	}
	total := 0
	for _, percent := range shares {
		total += percent
	}
	list, given := make([]fault, max(f.hosts, 0)), map[fault]int{}
	for i := range list {
		if (i+1)*total/100 == i*total/100 {
			continue
		}
		for _, k := range knownFaults() { // the one that is furthest behind its share
			if shares[k] > 0 && (list[i] == "" || given[k]*shares[list[i]] < given[list[i]]*shares[k]) {
				list[i] = k
			}
		}
		given[list[i]]++
	}
	return list, nil
}

// shares reads --faults.
func (f *simulateFlags) shares() (map[fault]int, error) {
	shares, total := map[fault]int{}, 0
	if f.faults == "" {
		return shares, nil
	}
	for part := range strings.SplitSeq(f.faults, ",") {
		name, number, _ := strings.Cut(part, "=")
		percent, err := strconv.Atoi(number)
		_, again := shares[fault(name)]
		switch {
		case !slices.Contains(knownFaults(), fault(name)):
			return nil, &usageError{fmt.Sprintf("--faults: %q is none of hang, reset, refuse, flood", name)}
		case err != nil, percent < 0, percent > 100:
			return nil, &usageError{fmt.Sprintf("--faults: %q is not NAME=PERCENT, with a number from 0 to 100", part)}
		case again:
			return nil, &usageError{fmt.Sprintf("--faults: %s stands twice", name)}
		}
		shares[fault(name)] = percent
		total += percent
	}
	if total > 100 {
		return nil, &usageError{fmt.Sprintf("--faults: %d percent are more than all hosts", total)}
	}
	return shares, nil
}
