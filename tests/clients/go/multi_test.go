// Calls on the records of one hash key: MultiGet, MultiSet, MultiDel, DelRange, SortKeyCount.

package clients

import (
	"fmt"
	"testing"
	"time"

	"github.com/apache/incubator-pegasus/go-client/pegasus"
	"github.com/stretchr/testify/require"
)

// Writes `count` records under one hash key: sort key "sNNNN", value "value of sNNNN".
func fill(t *testing.T, tb pegasus.TableConnector, hashKey []byte, count int) [][]byte {
	sortKeys := numbered("s", count)
	values := make([][]byte, count)
	for i, sortKey := range sortKeys {
		values[i] = valueOf(sortKey)
	}
	require.NoError(t, tb.MultiSet(soon(t), hashKey, sortKeys, values))
	return sortKeys
}

func valueOf(sortKey []byte) []byte {
	return []byte("value of " + string(sortKey))
}

func sortKeysOf(kvs []*pegasus.KeyValue) []string {
	keys := make([]string, len(kvs))
	for i, kv := range kvs {
		keys[i] = string(kv.SortKey)
	}
	return keys
}

func names(keys [][]byte) []string {
	result := make([]string, len(keys))
	for i, key := range keys {
		result[i] = string(key)
	}
	return result
}

func TestMultiSetMultiGetMultiDel(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := fill(t, tb, hashKey, 20)

	asked := [][]byte{sortKeys[3], []byte("absent"), sortKeys[17], {}}
	kvs, all, err := tb.MultiGet(soon(t), hashKey, asked)
	require.NoError(t, err)
	require.True(t, all)
	require.Equal(t, names([][]byte{sortKeys[3], sortKeys[17]}), sortKeysOf(kvs))
	require.Equal(t, valueOf(sortKeys[3]), kvs[0].Value)

	kvs, all, err = tb.MultiGet(soon(t), hashKey, nil)
	require.NoError(t, err)
	require.True(t, all)
	require.Equal(t, names(sortKeys), sortKeysOf(kvs))

	require.NoError(t, tb.MultiDel(soon(t), hashKey, append([][]byte{[]byte("absent")}, sortKeys[:15]...)))
	kvs, _, err = tb.MultiGet(soon(t), hashKey, nil)
	require.NoError(t, err)
	require.Equal(t, names(sortKeys[15:]), sortKeysOf(kvs))
	count, err := tb.SortKeyCount(soon(t), hashKey)
	require.NoError(t, err)
	require.EqualValues(t, 5, count)
}

func TestMultiSetWithTTL(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	keys := [][]byte{{}, []byte("a")}
	require.NoError(t, tb.MultiSetOpt(soon(t), hashKey, keys, keys, 500*time.Second))
	for _, key := range keys {
		ttl, err := tb.TTL(soon(t), hashKey, key)
		require.NoError(t, err)
		require.InDelta(t, 500, ttl, 30)
	}
}

func TestMultiGetLimits(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := fill(t, tb, hashKey, 150)

	kvs, all, err := tb.MultiGet(soon(t), hashKey, nil)
	require.NoError(t, err)
	require.False(t, all, "the default is a hundred records")
	require.Len(t, kvs, 100)

	options := *pegasus.DefaultMultiGetOptions
	options.MaxFetchCount = 7
	kvs, all, err = tb.MultiGetOpt(soon(t), hashKey, nil, &options)
	require.NoError(t, err)
	require.False(t, all)
	require.Equal(t, names(sortKeys[:7]), sortKeysOf(kvs))
	kvs, all, err = tb.MultiGetOpt(soon(t), hashKey, sortKeys, &options)
	require.NoError(t, err)
	require.False(t, all)
	require.Len(t, kvs, 7)

	options.MaxFetchCount = -1
	options.MaxFetchSize = 100
	kvs, all, err = tb.MultiGetOpt(soon(t), hashKey, nil, &options)
	require.NoError(t, err)
	require.False(t, all)
	// A record has 5 + 14 bytes; the one that crosses the limit is still there.
	require.Len(t, kvs, 6)

	options.MaxFetchSize = -1
	kvs, all, err = tb.MultiGetOpt(soon(t), hashKey, nil, &options)
	require.NoError(t, err)
	require.True(t, all)
	require.Len(t, kvs, 150)
}

func TestMultiGetWithoutValues(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := fill(t, tb, hashKey, 5)
	options := *pegasus.DefaultMultiGetOptions
	options.NoValue = true
	for _, asked := range [][][]byte{nil, sortKeys} {
		kvs, all, err := tb.MultiGetOpt(soon(t), hashKey, asked, &options)
		require.NoError(t, err)
		require.True(t, all)
		require.Equal(t, names(sortKeys), sortKeysOf(kvs))
		for _, kv := range kvs {
			require.Empty(t, kv.Value)
		}
	}
}

func TestMultiGetRange(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := fill(t, tb, hashKey, 10)

	kvs, all, err := tb.MultiGetRange(soon(t), hashKey, sortKeys[2], sortKeys[6])
	require.NoError(t, err)
	require.True(t, all)
	require.Equal(t, names(sortKeys[2:6]), sortKeysOf(kvs), "the default includes the start alone")

	for _, startInclusive := range []bool{true, false} {
		for _, stopInclusive := range []bool{true, false} {
			options := *pegasus.DefaultMultiGetOptions
			options.StartInclusive, options.StopInclusive = startInclusive, stopInclusive
			from, to := 2, 6
			if !startInclusive {
				from++
			}
			if stopInclusive {
				to++
			}
			kvs, _, err := tb.MultiGetRangeOpt(soon(t), hashKey, sortKeys[2], sortKeys[6], &options)
			require.NoError(t, err)
			require.Equal(t, names(sortKeys[from:to]), sortKeysOf(kvs))
		}
	}

	kvs, _, err = tb.MultiGetRange(soon(t), hashKey, nil, nil)
	require.NoError(t, err)
	require.Equal(t, names(sortKeys), sortKeysOf(kvs))
	kvs, all, err = tb.MultiGetRange(soon(t), hashKey, sortKeys[6], sortKeys[2])
	require.NoError(t, err)
	require.True(t, all)
	require.Empty(t, kvs, "an empty range")
}

func TestMultiGetReverse(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := fill(t, tb, hashKey, 10)
	options := *pegasus.DefaultMultiGetOptions
	options.Reverse = true
	options.MaxFetchCount = 3
	kvs, all, err := tb.MultiGetRangeOpt(soon(t), hashKey, nil, nil, &options)
	require.NoError(t, err)
	require.False(t, all)
	require.Equal(t, names(sortKeys[7:]), sortKeysOf(kvs), "the last ones, in ascending order")
}

func TestMultiGetFilters(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := [][]byte{[]byte("abc"), []byte("bcd"), []byte("xab"), []byte("zzz")}
	require.NoError(t, tb.MultiSet(soon(t), hashKey, sortKeys, sortKeys))
	for _, example := range []struct {
		filter pegasus.FilterType
		text   string
		want   []string
	}{
		{pegasus.FilterTypeNoFilter, "zz", []string{"abc", "bcd", "xab", "zzz"}},
		{pegasus.FilterTypeMatchAnywhere, "bc", []string{"abc", "bcd"}},
		{pegasus.FilterTypeMatchPrefix, "b", []string{"bcd"}},
		{pegasus.FilterTypeMatchPostfix, "ab", []string{"xab"}},
		{pegasus.FilterTypeMatchAnywhere, "", []string{"abc", "bcd", "xab", "zzz"}},
		{pegasus.FilterTypeMatchPrefix, "longer than any key", []string{}},
	} {
		options := *pegasus.DefaultMultiGetOptions
		options.SortKeyFilter = pegasus.Filter{Type: example.filter, Pattern: []byte(example.text)}
		kvs, all, err := tb.MultiGetRangeOpt(soon(t), hashKey, nil, nil, &options)
		require.NoError(t, err)
		require.True(t, all)
		require.Equal(t, example.want, sortKeysOf(kvs), fmt.Sprint(example))
	}
}

func TestDelRange(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := fill(t, tb, hashKey, 20)

	require.NoError(t, tb.DelRange(soon(t), hashKey, sortKeys[2], sortKeys[5]))
	kvs, _, err := tb.MultiGet(soon(t), hashKey, nil)
	require.NoError(t, err)
	require.Equal(t, names(append(sortKeys[:2:2], sortKeys[5:]...)), sortKeysOf(kvs))

	options := *pegasus.DefaultDelRangeOptions
	options.StartInclusive, options.StopInclusive = false, true
	require.NoError(t, tb.DelRangeOpt(soon(t), hashKey, sortKeys[5], sortKeys[8], &options))
	kvs, _, err = tb.MultiGet(soon(t), hashKey, nil)
	require.NoError(t, err)
	require.Equal(t, names(append(append(sortKeys[:2:2], sortKeys[5]), sortKeys[9:]...)), sortKeysOf(kvs))

	options = *pegasus.DefaultDelRangeOptions
	options.SortKeyFilter = pegasus.Filter{Type: pegasus.FilterTypeMatchPostfix, Pattern: []byte("5")}
	require.NoError(t, tb.DelRangeOpt(soon(t), hashKey, nil, nil, &options))
	count, err := tb.SortKeyCount(soon(t), hashKey)
	require.NoError(t, err)
	require.EqualValues(t, 12, count, "s0005 and s0015 are gone")

	require.NoError(t, tb.DelRange(soon(t), hashKey, nil, nil))
	count, err = tb.SortKeyCount(soon(t), hashKey)
	require.NoError(t, err)
	require.Zero(t, count)
}

func TestDelRangeOfManyRecords(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	// More than one batch of the client's scan and of its multi_remove.
	for _, part := range []string{"a", "b", "c"} {
		keys := numbered(part, 800)
		require.NoError(t, tb.MultiSet(soon(t), hashKey, keys, keys))
	}
	count, err := tb.SortKeyCount(soon(t), hashKey)
	require.NoError(t, err)
	require.EqualValues(t, 2400, count)
	require.NoError(t, tb.DelRange(soon(t), hashKey, nil, nil))
	count, err = tb.SortKeyCount(soon(t), hashKey)
	require.NoError(t, err)
	require.Zero(t, count)
}
