/** What a health service says of a service (gRPC health checking protocol, grpc.health.v1). */
const statuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** Compressed-Flag and Message-Length (gRPC over HTTP2). */
const messageHeader = 5;

/** A HealthCheckRequest, whose only field is `string service = 1`, as a length-prefixed message. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
  const header = Buffer.alloc(messageHeader);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/**
 * The status in a HealthCheckResponse, whose field is `ServingStatus status = 1`: its name, or its number if that is
 * new. Undefined where these bytes are no such message.
 */
export function servingStatus(body: Buffer): string | undefined {
  // Compressed it may not be, for we did not offer to decompress it.
  const isWhole = body.length >= messageHeader && body[0] === 0;
  if (!isWhole || body.readUInt32BE(1) !== body.length - messageHeader) return undefined;
  const status = firstField(body.subarray(messageHeader));
  return status === undefined ? undefined : (statuses[status] ?? String(status));
}

/** An enum in field 1 of a message (Protocol Buffers encoding); 0 where it is left out. Other fields are passed over. */
function firstField(message: Buffer): number | undefined {
  let value = 0;
  for (let rest = message; rest.length > 0;) {
    const tag = readVarint(rest);
    const field = rest.subarray(tag?.length);
    const length = tag && fieldLength(tag.value % 8, field);
    if (length === undefined || length > field.length) return undefined;
    if (tag?.value === 0x08) value = readVarint(field)!.value;
    rest = field.subarray(length);
  }
  return value;
}

/** How long a field of this wire type is, what tells its length included. */
function fieldLength(wireType: number, field: Buffer): number | undefined {
  const start = readVarint(field);
  switch (wireType) {
    case 0:
      return start?.length;
    case 1:
      return 8;
    case 2:
      return start && start.length + start.value;
    case 5:
      return 4;
    default:
      return undefined;
  }
}

/** Seven bits in a byte, the lowest first; the eighth says that another follows. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function readVarint(bytes: Buffer): { value: number; length: number } | undefined {
  const length = bytes.subarray(0, 10).findIndex((byte) => byte < 128) + 1;
  if (length === 0) return undefined;
  const value = bytes.subarray(0, length).reduceRight((sum, byte) => sum * 128 + (byte % 128), 0);
  return { value, length };
}
