// Calls on one record: Get, Set, SetTTL, Del, TTL, Exist, BatchGet.

package clients

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/apache/incubator-pegasus/go-client/pegasus"
	"github.com/stretchr/testify/require"
)

func TestSetGetDel(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)

	value, err := tb.Get(soon(t), hashKey, []byte("s"))
	require.NoError(t, err)
	require.Nil(t, value, "an absent record is nil without an error")

	require.NoError(t, tb.Set(soon(t), hashKey, []byte("s"), []byte("first")))
	require.NoError(t, tb.Set(soon(t), hashKey, []byte("s"), []byte("second")))
	value, err = tb.Get(soon(t), hashKey, []byte("s"))
	require.NoError(t, err)
	require.Equal(t, []byte("second"), value)

	require.NoError(t, tb.Del(soon(t), hashKey, []byte("s")))
	value, err = tb.Get(soon(t), hashKey, []byte("s"))
	require.NoError(t, err)
	require.Nil(t, value)
	require.NoError(t, tb.Del(soon(t), hashKey, []byte("s")), "removing what is absent succeeds")
}

func TestEmptySortKeyAndEmptyValue(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	require.NoError(t, tb.Set(soon(t), hashKey, []byte{}, []byte{}))

	value, err := tb.Get(soon(t), hashKey, []byte{})
	require.NoError(t, err)
	require.NotNil(t, value, "an empty value is a value")
	require.Empty(t, value)
	exists, err := tb.Exist(soon(t), hashKey, []byte{})
	require.NoError(t, err)
	require.True(t, exists)
}

func TestBinaryKeysAndValues(t *testing.T) {
	tb := openTable(t, table)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	hashKeys := [][]byte{{0}, {0xff, 0xff}, {0, 0}, every, append([]byte{0x80}, ownHashKey(t)...)}
	sortKeys := [][]byte{{0}, {0xff}, bytes.Repeat([]byte{0xff}, 20), every}
	for _, hashKey := range hashKeys {
		for i, sortKey := range sortKeys {
			value := append([]byte{byte(i)}, every...)
			require.NoError(t, tb.Set(soon(t), hashKey, sortKey, value))
		}
		for i, sortKey := range sortKeys {
			value, err := tb.Get(soon(t), hashKey, sortKey)
			require.NoError(t, err)
			require.Equal(t, append([]byte{byte(i)}, every...), value)
			require.NoError(t, tb.Del(soon(t), hashKey, sortKey))
		}
	}
}

func TestKeysThatArePrefixesOfEachOther(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	// Neither the split between the two keys nor the length may be confused.
	var pairs []pegasus.CompositeKey
	for _, split := range [][2]string{{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"a", "b"}} {
		key := pegasus.CompositeKey{HashKey: []byte(string(hashKey) + split[0]), SortKey: []byte(split[1])}
		require.NoError(t, tb.Set(soon(t), key.HashKey, key.SortKey, []byte{byte(len(pairs))}))
		pairs = append(pairs, key)
	}
	values, err := tb.BatchGet(soon(t), pairs)
	require.NoError(t, err)
	for i, value := range values {
		require.Equal(t, []byte{byte(i)}, value)
	}
}

func TestTTL(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKey := []byte("s")

	ttl, err := tb.TTL(soon(t), hashKey, sortKey)
	require.NoError(t, err)
	require.Equal(t, -2, ttl, "no record")

	require.NoError(t, tb.Set(soon(t), hashKey, sortKey, []byte("v")))
	ttl, err = tb.TTL(soon(t), hashKey, sortKey)
	require.NoError(t, err)
	require.Equal(t, -1, ttl, "no time to live")

	require.NoError(t, tb.SetTTL(soon(t), hashKey, sortKey, []byte("v"), 1000*time.Second))
	ttl, err = tb.TTL(soon(t), hashKey, sortKey)
	require.NoError(t, err)
	require.InDelta(t, 1000, ttl, 30)

	require.NoError(t, tb.SetTTL(soon(t), hashKey, sortKey, []byte("v"), 0))
	ttl, err = tb.TTL(soon(t), hashKey, sortKey)
	require.NoError(t, err)
	require.Equal(t, -1, ttl, "a later write without a time to live removes the earlier one")
}

func TestRecordsExpire(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKey := []byte("s")
	require.NoError(t, tb.SetTTL(soon(t), hashKey, sortKey, []byte("v"), time.Second))
	require.NoError(t, tb.MultiSetOpt(soon(t), hashKey, [][]byte{[]byte("m")}, [][]byte{[]byte("v")}, time.Second))

	require.Eventually(t, func() bool {
		value, err := tb.Get(soon(t), hashKey, sortKey)
		require.NoError(t, err)
		count, err := tb.SortKeyCount(soon(t), hashKey)
		require.NoError(t, err)
		return value == nil && count == 0
	}, patience, 50*time.Millisecond)
	exists, err := tb.Exist(soon(t), hashKey, sortKey)
	require.NoError(t, err)
	require.False(t, exists)
}

func TestLargeValues(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	// A request may have 1 MiB, with its key and its frame.
	large := bytes.Repeat([]byte("0123456789abcdef"), 65_000)
	require.NoError(t, tb.Set(soon(t), hashKey, []byte("s"), large))
	value, err := tb.Get(soon(t), hashKey, []byte("s"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(large, value))

	// Larger ones are refused with ERR_INVALID_DATA.
	ctx, cancel := contextFor(refusalLimit)
	defer cancel()
	require.Error(t, tb.Set(ctx, hashKey, []byte("s"), make([]byte, 2<<20)))
	value, err = tb.Get(soon(t), hashKey, []byte("s"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(large, value), "nothing has changed")
}

func TestLongKeys(t *testing.T) {
	tb := openTable(t, table)
	longest := bytes.Repeat([]byte("k"), math.MaxUint16-1)
	longSortKey := bytes.Repeat([]byte("s"), 100_000)
	require.NoError(t, tb.Set(soon(t), longest, longSortKey, []byte("v")))
	value, err := tb.Get(soon(t), longest, longSortKey)
	require.NoError(t, err)
	require.Equal(t, []byte("v"), value)
	require.NoError(t, tb.Del(soon(t), longest, longSortKey))

	// One byte more cannot be told from the end of the table, but the client lets it pass. The server
	// of the original dies of it; here it is an error.
	ctx, cancel := contextFor(refusalLimit)
	defer cancel()
	_, err = tb.Get(ctx, bytes.Repeat([]byte("k"), math.MaxUint16), []byte("s"))
	require.Error(t, err)
	_, err = tb.Get(soon(t), bytes.Repeat([]byte("k"), math.MaxUint16+1), []byte("s"))
	require.ErrorContains(t, err, "InvalidParameter")
}

func TestBatchGet(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	var keys []pegasus.CompositeKey
	for i, sortKey := range numbered("s", 40) {
		key := pegasus.CompositeKey{HashKey: append(bytes.Clone(hashKey), byte(i)), SortKey: sortKey}
		keys = append(keys, key)
		if i%2 == 0 {
			require.NoError(t, tb.Set(soon(t), key.HashKey, key.SortKey, []byte{byte(i)}))
		}
	}
	values, err := tb.BatchGet(soon(t), keys)
	require.NoError(t, err)
	require.Len(t, values, len(keys))
	for i, value := range values {
		if i%2 == 0 {
			require.Equal(t, []byte{byte(i)}, value)
		} else {
			require.Nil(t, value)
		}
	}
}

func TestArgumentsThatTheClientRefuses(t *testing.T) {
	tb := openTable(t, table)
	key := []byte("k")
	_, noHashKey := tb.Get(soon(t), nil, key)
	_, emptyHashKey := tb.Get(soon(t), []byte{}, key)
	_, noSortKey := tb.Get(soon(t), key, nil)
	_, noKeys := tb.BatchGet(soon(t), nil)
	_, noIncrKey := tb.Incr(soon(t), nil, key, 1)
	_, noCount := tb.SortKeyCount(soon(t), []byte{})
	_, noTTL := tb.TTL(soon(t), []byte{}, key)
	_, noExist := tb.Exist(soon(t), key, nil)
	_, _, nilSortKey := tb.MultiGet(soon(t), key, [][]byte{nil})
	for name, err := range map[string]error{
		"get without hash key":          noHashKey,
		"get with empty hash key":       emptyHashKey,
		"get without sort key":          noSortKey,
		"batch get without keys":        noKeys,
		"incr without hash key":         noIncrKey,
		"count with empty hash key":     noCount,
		"ttl with empty hash key":       noTTL,
		"exist without sort key":        noExist,
		"multi get with a nil sort key": nilSortKey,
		"set without value":             tb.Set(soon(t), key, key, nil),
		"set with negative ttl":         tb.SetTTL(soon(t), key, key, key, -time.Second),
		"multi set without keys":        tb.MultiSet(soon(t), key, nil, nil),
		"multi set of unequal lengths":  tb.MultiSet(soon(t), key, [][]byte{key, key}, [][]byte{key}),
		"multi del without keys":        tb.MultiDel(soon(t), key, nil),
	} {
		require.ErrorContains(t, err, "InvalidParameter", name)
		require.IsType(t, &pegasus.PError{}, err, name)
	}
}
