@extends('errors.layout')
@section('headline', 'A fuse blew')
@section('advice', 'Something on our side went wrong. It has been noted and somebody will look at it.')
