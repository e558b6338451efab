package krb5

import (
	"errors"
	"fmt"
)

// DecodeKeytab reads a keytab file: the long-term keys of users or services, in the file's order. Keys of encryption types that this
// package refuses are left out. The keys refer to b. An error names the octet of the file.
//
// The layout is that of MIT krb5, "Keytab file format", version 2.
func DecodeKeytab(b []byte) ([]ServiceKey, error) {
	r := &fileReader{b: b}
	format, version := r.uint8(), r.uint8()
	switch {
	case r.err == nil && format != fileFormat:
		return nil, errors.New("octet 0: not a keytab")
	case r.err == nil && version != 2:
		return nil, fmt.Errorf("octet 1: version %d of the format is not supported; 2 is", version)
	}
	var keys []ServiceKey
	for r.err == nil && len(r.b) > 0 {
		size := int32(r.uint32()) //nolint:gosec // the file holds the two's complement
		if size == 0 && r.err == nil {
			break // the end, for MIT too
		}
		if size < 0 {
			r.next(uint32(-int64(size))) //nolint:gosec // at most 2^31; what was deleted
			continue
		}
		entry := &fileReader{at: r.at}
		entry.b = r.next(uint32(size))
		if r.err != nil {
			break
		}
		key, at := entry.serviceKey()
		switch {
		case entry.err != nil:
			r.err = entry.err
		case !key.Key.fits():
			r.fail(at, "a key of %d octets for encryption type %d", len(key.Key.Value), key.Key.EType)
		case key.Key.known():
			keys = append(keys, key)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return keys, nil
}

// serviceKey reads an entry and returns the octet where its key begins, too.
func (r *fileReader) serviceKey() (key ServiceKey, at int) {
	n := uint32(r.uint16())
	key.Principal.Realm = string(r.data16())
	key.Principal.Components = r.components(n, func() []byte { return r.data16() })
	key.Principal.NameType = int32(r.uint32()) //nolint:gosec // the file holds the two's complement
	r.uint32()                                 // when it was written
	key.KVNO = uint32(r.uint8())
	at = r.at
	key.Key.EType = r.etype()
	key.Key.Value = r.data16()
	if len(r.b) >= 4 { // the whole version number; the octet above is its lowest
		if kvno := r.uint32(); kvno != 0 {
			key.KVNO = kvno
		}
	}
	return key, at
}

// known tells whether the encryption type is one that this package takes.
func (k Key) known() bool {
	_, err := profileOf(k.EType)
	return err == nil
}

// fits tells whether the key has the length of its encryption type, if that is known.
func (k Key) fits() bool {
	p, err := profileOf(k.EType)
	return err != nil || len(k.Value) == p.keySize
}
