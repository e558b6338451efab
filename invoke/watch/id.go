package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// maxID bounds what of an InstanceID stands in the ID of an event, in octets. A GUID in braces has 38.
const maxID = 64

// jobKey returns what a job is known by: its InstanceID in upper case, as Windows compares. What a host may not put into the ID of an event
// becomes a hash. A job without an InstanceID is known by what else tells it from others and stays the same.
func jobKey(j *invoke.MigrationJob) string {
	id := j.ID()
	if id == "" {
		kind, start := "", ""
		if j.JobType != nil {
			kind = strconv.Itoa(int(*j.JobType))
		}
		if j.StartTime != nil {
			start = j.StartTime.UTC().Format(time.RFC3339Nano)
		}
		return hashed("\x00" + strings.Join([]string{j.VMName(), kind, start}, "\x00"))
	}
	id = strings.ToUpper(id)
	if len(id) > maxID || strings.ContainsFunc(id, foreign) {
		return hashed(id)
	}
	return id
}

// foreign tells a character that no InstanceID of Windows has in upper case.
func foreign(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '{' && r != '}' && r != '-'
}

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + hex.EncodeToString(sum[:16])
}

// key returns what the IDs of events name h by.
func (h *Host) key() string {
	if h.Key != "" {
		return h.Key
	}
	return strings.ToLower(h.Name)
}

// jobID returns the ID of an event of a job.
func (h *Host) jobID(job, what string) string { return h.key() + "/" + job + "/" + what }

// hostID returns the ID of an event of the host.
func (h *Host) hostID(what string, at time.Time) string {
	return h.key() + "/" + what + "/" + at.UTC().Format(time.RFC3339Nano)
}
