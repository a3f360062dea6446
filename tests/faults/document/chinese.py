"""Say in Chinese what the tables of the matrix say."""

import re

_WORDS = {
    "Operations": "操作",
    "Connections": "连接",
    "Answers": "回答",
    "Exceptions": "例外",
    "platform": "平台",
    "operation": "操作",
    "part of": "属于",
    "fault": "故障",
    "reason": "原因",
    "sent": "发送次数",
    "at": "在哪里",
    "because": "因为",
    "no failure": "不算失败",
    "any": "任何",
    # Parts of a poll.
    "the listing": "列表",
    "a question about a job": "对一个作业的提问",
    "an extra that nobody misses": "没有也无妨的附加信息",
    "the login": "登录",
    "the figures of a monitoring service": "监控服务的数据",
    "the credentials of the instance": "实例的凭据",
    # Faults.
    "connection refused": "连接被拒绝",
    "name not found": "名字解析不到",
    "connection not accepted": "连接无人接受",
    "certificate expired": "证书过期",
    "certificate of another name": "证书属于另一个名字",
    "certificate of an unknown authority": "证书由未知的 CA 签发",
    "no TLS where TLS is spoken": "该说 TLS 的地方没有 TLS",
    "nothing newer than TLS 1.1": "最新只到 TLS 1.1",
    "silence": "沉默",
    "headers, then silence": "给了头，然后沉默",
    "half a body, then silence": "给了一半正文，然后沉默",
    "a byte every half second": "每半秒一个字节",
    "Content-Length longer than the body": "Content-Length 比正文长",
    "connection cut before the answer": "回答之前连接断开",
    "connection cut in the body": "正文中间连接断开",
    "connection cut between chunks": "两个分块之间连接断开",
    "another protocol": "另一种协议",
    "a header without end": "没有尽头的头",
    "a chunk without a length": "没有长度的分块",
    "Content-Length shorter than the body": "Content-Length 比正文短",
    "two different Content-Lengths": "两个不同的 Content-Length",
    "301 to another host": "301 到另一台主机",
    "200 that says it failed": "200，却说失败了",
    "a request to slow down that the status does not tell": "状态码看不出的限流",
    "404 of another service": "另一个服务的 404",
    "404 of an object storage": "对象存储的 404",
    "403 of an object storage": "对象存储的 403",
    "200 of another service": "另一个服务的 200",
    "100 MB of JSON": "100 MB 的 JSON",
    "100 MB in 100 kB of gzip": "100 kB 的 gzip 里有 100 MB",
    "100 MB compressed twice": "压缩了两次的 100 MB",
    "JSON nested 10,000 deep": "嵌套 10,000 层的 JSON",
    "half of the JSON": "半截 JSON",
    "gzip that is none": "不是 gzip 的 gzip",
    "JSON labelled as a page": "标成网页的 JSON",
    "301 to 308": "301 到 308",
    "headers or half a body and then silence": "给了头或一半正文，然后沉默",
    # What follows a status.
    "in the platform's words": "用平台的话",
    "in other words": "用别的话",
    "with a page": "带网页",
    "with nothing": "什么都不带",
    "with an array": "带数组",
    "with an empty object": "带空对象",
    "with null": "带 null",
    "an empty object": "带空对象",
    "null": "带 null",
    # Where it is otherwise, and why.
    "JobManagers of the Flink operator": "Flink operator 的 JobManager",
    "the Kubernetes API": "Kubernetes API",
    "everything": "所有地方",
    "instance metadata": "实例元数据",
    "STS of AWS": "AWS 的 STS",
    "login": "登录",
    "Apache Flink": "Apache Flink",
    "the plan of a DLI job, `GetInstance` of Blink": "DLI 作业的执行计划、Blink 的 `GetInstance`",
    "the plan of a DLI job; version, metrics, checkpoints and exceptions of Apache Flink": (
        "DLI 作业的执行计划；Apache Flink 的版本、指标、检查点和异常"
    ),
    "Kafka Connect": "Kafka Connect",
    "`/health` of Kafka Connect": "Kafka Connect 的 `/health`",
    "the listing of Kafka Connect": "Kafka Connect 的列表",
    "each job has one of its own: what hangs is not asked a second time within a poll": (
        "每个作业都有自己的 JobManager：卡住的，一次轮询里不问第二次"
    ),
    "it never does so; what is not the kind that was asked for is no answer": (
        "它从不这样；不是所问的那种对象就不算回答"
    ),
    "what a gateway says about the type of an answer is often wrong": "网关标的内容类型常常是错的",
    "without it there are no credentials; no step of it is repeated within a poll": (
        "没有它就没有凭据；一次轮询里哪一步都不重复"
    ),
    "it never does so; what holds no keys is no answer": "它从不这样；没有密钥就不算回答",
    "IAM says so of an unknown user, domain or project, STS of tokens and parameters": (
        "IAM 用它指未知的用户、账号或项目，STS 用它指令牌和参数"
    ),
    "it is not IAM or STS who says so": "这不是 IAM 或 STS 说的",
    "IAM and STS never say so": "IAM 和 STS 从不这样说",
    "a token or keys are there all the same, and they are good": "令牌或密钥照样在里面，而且能用",
    "a history server keeps errors and tells them with 200": "HistoryServer 用 200 说出存下的错误",
    "a standby JobManager points to the leader, until it is the leader itself": (
        "备用的 JobManager 指向 leader，直到自己成为 leader"
    ),
    "they say so of a job that has just stopped; what the gateway says is about all jobs": (
        "刚停下的作业，它们会这样说；网关所说的则关系到所有作业"
    ),
    "nothing in it is required; fields of the wrong kind are counted as unreadable": (
        "里面没有必需的东西；类型不对的字段计为读不了"
    ),
    "the endpoint of containers of AWS": "AWS 容器的凭据端点",
    "it never does so; keys are there all the same, and they are good": (
        "它从不这样说；密钥照样在里面，也能用"
    ),
    "STS of Tencent Cloud": "腾讯云 STS",
    "it refuses the identity that was set up, and no other will do": (
        "它拒绝的是配置好的身份，换别的身份都不对"
    ),
    "its own refusals come with status 200: it is somebody on the way who says so": (
        "它自己的拒绝都带状态码 200：这样说的是路上的什么人"
    ),
    "`ListMetrics` of CloudWatch": "CloudWatch 的 `ListMetrics`",
    "nothing in it is required: most applications read no stream that has a delay": (
        "里面没有什么是必需的：大多数应用不读有时延的流"
    ),
    "a worker that starts says so of everything": "启动中的 worker 对什么都这样说",
    "workers of before 3.9 do not have it": "3.9 之前的 worker 没有它",
    "a worker without connectors says so; each that is missed is asked for by itself": (
        "没有 connector 的 worker 会这样说；缺少的每一个都会单独去问"
    ),
}


def in_chinese(cell: str) -> str:
    """Translate a cell of a table. Raises KeyError with a word that nobody has translated."""
    if not re.search("[A-Za-z.]", re.sub("`[^`]*`", "", cell)):
        return cell
    if cell in _WORDS:
        return _WORDS[cell]
    name, named, by_id = cell.partition(" with `jobs.ids`")
    if named and not by_id:
        return f"{name}，设置了 `jobs.ids`"
    return "、".join(_piece(piece) for piece in cell.split(", "))


def _piece(text: str) -> str:
    """Translate one of several faults: `404 with a page`, `with a page`, `302`."""
    if text.isdigit() or text in _WORDS:
        return _WORDS.get(text, text)
    status, _, rest = text.partition(" ")
    return f"{status} {_WORDS[rest]}" if status.isdigit() else _WORDS[text]
